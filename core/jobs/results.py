"""What each kind of run found, as one frozen value a kind. Light: read by pages, studies and the command line.

The store keeps them as flat JSON; `Result.of(record)` gives the value back, blank for a run that has found nothing
yet. What several kinds say is in `core.jobs.result_parts`, rows within them in `core.jobs.result_rows`, builders of the
parts in `core.jobs.measured`. Accuracies lie in [0, 1], intervals hold 95 %.
"""

from collections.abc import Mapping
from typing import Any, Literal

from core.jobs.covering_results import BoundResult, CertifyResult, CoverResult, FrontierResult
from core.jobs.result_parts import Condensed, Evaluated, Judged, OnData, Proven, Result
from core.jobs.result_rows import AttackPart, ClassRow, NearestRow, NetworkRow, Point, WidthRow
from core.jobs.result_rows import rows as rows
from core.types import RunRecord


class ProveResult(Evaluated, Proven):
    """A certificate of a trained network, or of its smoothed classifier: then no attack stands beside it."""

    model: str = ""


class NetworkResult(Evaluated):
    """Weights from elsewhere, kept for one of the architectures and judged."""

    weights_file: str = ""
    weights_hash: str = ""


class WeightsResult(OnData):
    """A file of weights that was looked at for a data set: what it is of, as it says itself or as its shapes tell.

    network, options  "" and {} where its tensors are those of no network in the table
    mean, std         by which images were probably normalised, a number a channel, unless the file says so itself
    says_classes, says_train_hash  of what it was made from; blank where it says nothing
    """

    weights_file: str = ""
    weights_hash: str = ""
    tensors: int = 0
    network: str = ""
    options: Mapping[str, Any] = {}
    says_network: bool = False
    says_statistics: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    statistics_are: str = ""
    says_classes: tuple[str, ...] = ()
    says_train_hash: str = ""


class BringResult(Condensed):
    """A set from elsewhere that was looked at: taken, or with a question about its black and white.

    counts    images by class in label order; sets are those that the file holds, soft says whether labels are
    range     {found, read_as, needs_answer, proposal, sentence}
    outside   share of values beyond black or white as read or proposed; furthest is how far the furthest lies
    """

    set_file: str = ""
    set_hash: str = ""
    set_layout: str = ""
    set_read_as: str = ""
    set_outside: float = 0.0
    set_method: str = ""
    set_notes: tuple[str, ...] = ()
    sets: int = 1
    soft: bool = False
    counts: tuple[int, ...] = ()
    range: Mapping[str, Any] = {}
    outside: float = 0.0
    furthest: float = 0.0

    @property
    def asks(self) -> bool:
        """Whether black and white are a question yet."""
        return bool(self.range.get("needs_answer"))


class RunResult(Evaluated, Proven, Condensed):
    """A whole run: condensed, trained, evaluated; the flat accuracies are those of the first network.

    largest_distance, mean_distance  of train images to the condensed image they belong to, in `distance_norm`
    nearest                          another classifier: nearest neighbour on the condensed set, None where left out
    """

    largest_distance: float | None = None
    distance_norm: str = ""
    networks: tuple[NetworkRow, ...] = ()
    clean_mean: float | None = None
    clean_std: float | None = None
    robust_mean: float | None = None
    robust_std: float | None = None
    nearest: NearestRow | None = None


class KernelPart(Judged):
    """Kernel regression on a condensed set."""

    model: str = ""
    kernel: str = ""
    ridge: float | None = None
    jitter: float | None = None
    alpha_max: float | None = None
    contrast: float | None = None
    method: str = ""
    budget: int | None = None
    model_run: str = ""


class KernelResult(KernelPart):
    """An evaluation of kernel regression."""

    curve: tuple[Point, ...] = ()
    curve_images: int = 0
    attacks: tuple[AttackPart, ...] = ()
    by_class: tuple[ClassRow, ...] = ()


class NearestResult(NearestRow, OnData):
    """An evaluation of the nearest-neighbour classifier on a condensed set."""

    model: str = ""
    method: str = ""
    budget: int | None = None


class WidthResult(KernelPart):
    """Networks beside a kernel; `attacks` are sentences by the name of the accuracy, `pace` seconds for one image."""

    what: str = "width"
    rows: tuple[WidthRow, ...] = ()
    seeds: int = 1
    epochs: int = 0
    training: str = ""
    loss: str = ""
    pace: Mapping[str, float] = {}
    price_s: float | None = None
    attacks: Mapping[str, str] = {}
    spectrum: tuple[float, ...] = ()


class AuditResult(KernelPart):
    """An audit: its report in full, and what interval bounds prove for the same network in Linf."""

    state: Literal["trusted", "doubtful"] | None = None
    fired: tuple[str, ...] = ()
    indicators: tuple[Mapping[str, Any], ...] = ()
    clean: Mapping[str, Any] = {}
    robust: Mapping[str, Any] = {}
    network: str = ""
    kept: str = ""
    kept_epoch: int | None = None
    transfer_from: str | None = None
    certified: tuple[Point, ...] = ()
    certified_images: int = 0
    certified_note: str = ""


class AttackResult(OnData):
    """A few attacked images: how many were right, how many of those fell, and the median perturbation of these."""

    images: int = 0
    right: int = 0
    fooled: int = 0
    median_length: float | None = None
    attack_norm: str = ""
    eps: float | None = None
    full: float | None = None  # change of a pixel that is drawn in full colour; older attacks do not say
    network: str = ""
    kept: str = ""
    kept_epoch: int | None = None
    model_run: str = ""


class DataResult(Result):
    """A data set in numbers; counts are by class in label order.

    Without an answer to what black and white are, only what was understood of the source is there: layout, parts
    (images by part, before any limit), range (found, read_as, needs_answer, proposal, sentence), left_out (file, why).
    `previewed` classes are in the preview grid.
    """

    data: str = ""
    data_hash: str = ""
    source: str = ""
    classes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    rgb: bool = False
    dtype: str = ""
    levels: int = 0
    bytes: int = 0
    minimum: float | None = None
    maximum: float | None = None
    train_images: int = 0
    test_images: int = 0
    train_counts: tuple[int, ...] = ()
    test_counts: tuple[int, ...] = ()
    layout: str = ""
    parts: Mapping[str, int] = {}
    range: Mapping[str, Any] = {}
    named: Mapping[str, str] = {}
    left_out: tuple[Mapping[str, str], ...] = ()
    previewed: int = 0

    @property
    def asks(self) -> bool:
        """Whether somebody has to say first which stored values are black and white."""
        return bool(self.range.get("needs_answer"))


RESULTS: Mapping[str, type[Result]] = {
    "run": RunResult,
    "condense": Condensed,
    "bring": BringResult,
    "train": RunResult,
    "weights": WeightsResult,
    "network": NetworkResult,
    "code": Evaluated,
    "evaluate": Evaluated,
    "audit": AuditResult,
    "attack": AttackResult,
    "kernel": KernelResult,
    "nearest": NearestResult,
    "prove": ProveResult,
    "width": WidthResult,
    "covering": CoverResult,
    "frontier": FrontierResult,
    "bound": BoundResult,
    "certify": CertifyResult,
    "data": DataResult,
}


def read(record: RunRecord) -> Result:
    """What a run of any kind found."""
    return RESULTS[record.kind].of(record)


def evaluated(record: RunRecord) -> Evaluated:
    """What a run, or a further evaluation of one, measured."""
    found = read(record)
    assert isinstance(found, Evaluated), f"a run of kind {record.kind} evaluates no network"
    return found
