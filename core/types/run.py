"""A run as the store remembers it, and the values that pages draw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Status = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ENDED: tuple[Status, ...] = ("done", "failed", "cancelled", "interrupted")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One row of the store: everything needed to repeat, judge and redraw a run.

    kind         "run" (condense, train, evaluate) or "data" (load and describe a data set); more may come
    config       the validated settings as JSON values
    created, started, finished   seconds since the epoch, or None
    device       "cpu", "cuda", "mps" with the machine's words for it
    versions     Python and the libraries that touch numbers
    data_hash    content hash of the data set, "" until it is loaded
    seconds      wall seconds by stage
    peak_rss_mb  largest resident memory of the worker while it ran, MB of 10^6 bytes
    result       what the command line prints as JSON: flat names, JSON values
    error        one sentence when failed or interrupted, else ""
    resumable    whether a checkpoint or a finished stage is stored to continue from
    digest       equal for runs that compute the same; what went into it besides the settings is `basis`
    parent       id of the run that this one judges or continues, or ""
    visitor      id of the guest whose run it is; "" is the owner's
    notes        sentences about what happened to the run, such as a damaged file that was computed anew
    damaged      whether the stored row could not be read; then it says only that, and can be deleted
    deleted      since when it is in the trash, in seconds since the epoch, or None
    host         the machine that works or worked on it, "" before the first
    attempt      how many times its work was begun
    """

    id: str
    kind: str
    name: str
    status: Status
    config: Mapping[str, Any]
    created: float
    started: float | None = None
    finished: float | None = None
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    data_hash: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_rss_mb: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    resumable: bool = False
    digest: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    visitor: str = ""
    notes: tuple[str, ...] = ()
    damaged: bool = False
    deleted: float | None = None
    host: str = ""
    attempt: int = 0

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the whole run: a job on a run, or on weights from elsewhere, keeps them beside its own."""
        found: Mapping[str, Any] = self.config.get("settings", self.config)
        return found


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One stored progress event; `seq` grows by one within a run."""

    seq: int
    time: float
    stage: str
    done: int
    total: int
    unit: str
    values: Mapping[str, float]
    note: str


@dataclass(frozen=True, kw_only=True, eq=False)
class MapData:
    """A 2-D map of the train images of a run.

    xy          (n, 2) float32 UMAP coordinates, or the true coordinates of 2-D data
    y           (n,) int64 labels
    rows        (n,) int64 train rows that these points are, when a sample is drawn
    total       train images in all; a sample is drawn when n < total
    centres     (m,) int64 positions in xy of the condensed images that are real images, or empty
    owner       (n,) int64 row of the condensed set that each point belongs to, or empty
    distance    (n,) float64 distance to that owner in pixel space, or empty
    norm        norm of those distances, or None
    true_space  whether xy are the data's own two dimensions, so that balls may be drawn to scale
    projection  how coordinates came about: "UMAP", "PCA" while that is not there yet, "own"
    """

    xy: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    total: int
    centres: np.ndarray
    owner: np.ndarray
    distance: np.ndarray
    norm: str | None
    true_space: bool
    projection: str = "UMAP"


@dataclass(frozen=True, kw_only=True, eq=False)
class Members:
    """The train images that belong to one condensed image, nearest first.

    rows      (k,) int64 rows of the train split
    distance  (k,) float64 distance to the centre in pixel space, in `norm`
    """

    centre: int
    label: str
    norm: str
    rows: np.ndarray
    distance: np.ndarray
