"""The one door to the work: names and values in, names and values out, no mathematics.

Pages and the command line call these functions and nothing beneath them. No torch is imported here;
work happens in worker processes that read the same store.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from core.types import DataConfig, EventRow, MapData, Members, RunRecord, Status


def home() -> Path:
    """The folder that holds data/, runs/, cache/ and the store: $BALLAST_HOME, or the project's root."""
    raise NotImplementedError


# --- tables -------------------------------------------------------------------------------------
# METHODS, NETWORKS, TRAINERS, DATASETS are re-exported here: name -> row with title, source, Config.


# --- runs ---------------------------------------------------------------------------------------
def submit(config: Mapping[str, Any], *, name: str = "") -> str:
    """Queue a run (validated here; ConfigError says what is wrong) and return its id."""
    raise NotImplementedError


def cancel(run_id: str) -> None:
    """Ask a run to stop; it is `cancelled` within two seconds, whatever it is doing."""
    raise NotImplementedError


def resume(run_id: str) -> None:
    """Queue an interrupted, failed or cancelled run again from its last checkpoint or finished stage."""
    raise NotImplementedError


def again(run_id: str) -> str:
    """Queue a new run with the same settings and return its id."""
    raise NotImplementedError


def rename(run_id: str, name: str) -> None:
    raise NotImplementedError


def delete(run_id: str) -> None:
    """Remove an ended run with its events and files; RunError while it is queued or running."""
    raise NotImplementedError


def get(run_id: str) -> RunRecord:
    """One run; RunError when there is none. A dead worker's run is turned `interrupted` first."""
    raise NotImplementedError


def runs(*, kind: str = "run", status: Sequence[Status] = (), text: str = "", limit: int = 500) -> list[RunRecord]:
    """Runs, newest first; `text` filters by name, method, data set and network."""
    raise NotImplementedError


def events(run_id: str, after: int = 0) -> list[EventRow]:
    """The events of a run with seq > after, oldest first."""
    raise NotImplementedError


def references(config: Mapping[str, Any]) -> dict[str, RunRecord | None]:
    """Newest run of `random` at the same budget and of `full` data with otherwise equal settings, or None."""
    raise NotImplementedError


def submit_references(config: Mapping[str, Any]) -> list[str]:
    """Queue those reference runs that do not exist yet; returns their ids."""
    raise NotImplementedError


# --- what a run left ------------------------------------------------------------------------------
def image(run_id: str, name: str = "condensed") -> bytes | None:
    """A PNG of the run's folder by name: `condensed` is the live mosaic. None until it is written."""
    raise NotImplementedError


def map_data(run_id: str) -> MapData | None:
    """The 2-D map with centres and true memberships, or None until it is computed."""
    raise NotImplementedError


def members(run_id: str, centre: int) -> Members:
    """The train images that condensed image `centre` stands for, with distances in pixel space."""
    raise NotImplementedError


def thumbnails(run_id: str, rows: Sequence[int]) -> bytes:
    """A PNG strip of train images by their rows in the train split."""
    raise NotImplementedError


def export(run_id: str) -> bytes:
    """Everything the run left, as one zip: config, events as CSV, condensed set, weights, images."""
    raise NotImplementedError


def command(config: Mapping[str, Any]) -> str:
    """The command line that repeats these settings."""
    raise NotImplementedError


# --- data sets ------------------------------------------------------------------------------------
def prepare(config: DataConfig) -> str:
    """Queue loading (and, if needed, downloading) a data set; returns the run id of kind `data`.

    Its result holds the description (counts, shape, value range, hash, notes); `image(run_id,
    "preview")` is the preview grid. A prepared data set is found again by equal settings.
    """
    raise NotImplementedError


def prepared(config: DataConfig) -> RunRecord | None:
    """The newest `data` run for these settings that is not failed or cancelled, or None."""
    raise NotImplementedError


def upload(name: str, file: BinaryIO) -> DataConfig:
    """Store an uploaded .npz or .zip under data/ and return the settings that load it."""
    raise NotImplementedError


def uploads() -> list[str]:
    """Paths of the data sets that were uploaded or found in data/."""
    raise NotImplementedError


# --- this machine -----------------------------------------------------------------------------------
def device() -> str:
    """The device that workers use, in words, or "starting" until the first worker has said so."""
    raise NotImplementedError


def parallel() -> int:
    """How many runs may work at the same time."""
    raise NotImplementedError


def set_parallel(count: int) -> None:
    raise NotImplementedError


def ensure_workers() -> None:
    """Bring the pool of workers to its size, and mark runs of dead workers interrupted. Cheap."""
    raise NotImplementedError
