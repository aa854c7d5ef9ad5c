"""Covers that are solved while a slider moves: queue, stop, find again, and read what they left."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.api.place import executor, home, store
from core.api.work import cancel, get
from core.compressors import mfc
from core.errors import RunError
from core.runs import artifacts, cache, keeping
from core.runs.config import RunConfig
from core.runs.covering_jobs import COVER, FINISH, OVERLAP, RIVALS, STAGE
from core.runs.perform import folder_of
from core.types import ENDED, MapData, RunRecord

KEPT = 60  # ended covers; older ones are removed with their files
STOP_S = 1.3  # seconds a solve has to stop by itself

__all__ = ["cover", "find", "held", "rivals", "settings", "settle", "sketch", "stop", "submit"]


def settings(
    data: Mapping[str, Any], norm: str, *, radius: float | None = None, ipc: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """The settings of a cover; exactly one of radius and ipc (centres per class) is given.

    raises  ConfigError when a value is out of range
    """
    options = {"norm": norm, "radius": radius, "ipc": ipc}
    return RunConfig(data=dict(data), method={"name": "mfc", "options": options}, seed=seed).to_json()


def find(config: Mapping[str, Any]) -> RunRecord | None:
    """The newest cover with these settings that was not cancelled, in any other state."""
    found = store().runs(kind="covering", digest=RunConfig(**config).digest, limit=20)
    return next((get(record.id) for record in found if record.status != "cancelled"), None)


def submit(config: Mapping[str, Any], *, instead_of: str | None = None) -> str:
    """Queue a solve and return its id; `instead_of` names one that is cancelled first.

    It does not wait behind long work of another kind: then it goes to a worker of its own.
    """
    if instead_of is not None and get(instead_of).status not in ENDED:
        cancel(instead_of)
    chosen = RunConfig(**config)
    _prune()
    others = [
        record for record in store().runs(status=("running", "queued")) if record.kind not in ("covering", "data")
    ]
    run_id = store().create(
        "covering", chosen.to_json(), name=_name(chosen), digest=chosen.digest, lane="light" if others else "work"
    )
    executor().submit(run_id)
    return run_id


def stop(run_id: str) -> None:
    """Ask a solve to end with its best cover so far, which is then measured and certified."""
    folder = folder_of(home(), get(run_id).id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FINISH).touch()


def settle(run_id: str) -> RunRecord:
    """The record, after whatever a requested stop still needs.

    A solve in the middle of a long call cannot hear the request: it is cancelled, and its checkpoint is finished by
    another attempt.
    """
    record, folder = get(run_id), folder_of(home(), run_id)
    if (folder / COVER).exists() or not (folder / FINISH).exists():
        return record
    if record.status == "cancelled" and keeping.checkpoint_path(folder, STAGE).exists():
        store().requeue(run_id, lane="work")
        executor().submit(run_id)
    elif record.status == "running" and record.started is not None:
        asked = (folder / FINISH).stat().st_mtime
        if record.started < asked < time.time() - STOP_S:
            cancel(run_id)
    return get(run_id)


def cover(run_id: str) -> dict[str, Any] | None:
    """What is known of a cover as flat values; None until there is one that is measured and certified."""
    path = folder_of(home(), run_id) / COVER
    return {**artifacts.load_json(path), **get(run_id).result} if path.exists() else None


def sketch(run_id: str) -> tuple[MapData, np.ndarray] | None:
    """The cover of the moment on the map of its data set, and which points drawn have no cover yet, (n,) bool.

    None until the data set is loaded, or while it has no map.
    """
    record, folder = get(run_id), folder_of(home(), run_id)
    path = home() / "cache" / record.data_hash / "map.npz"
    if not record.data_hash or not path.exists():
        return None
    found, (train, _) = artifacts.load_arrays(path), cache.opened(home() / "cache", record.data_hash)
    state = keeping.checkpoint(folder, STAGE)
    centres = mfc.rows(train, state) if state is not None else np.empty(0, np.int64)
    drawn, labels = found["rows"], train.y[found["rows"]]
    places = np.flatnonzero(np.isin(drawn, centres))
    data = MapData(
        xy=found["xy"], y=labels, rows=drawn, total=len(train), centres=places, owner=np.empty(0, np.int64),
        distance=np.empty(0), norm=None, true_space=bool(found["true_space"]),
    )  # fmt: skip
    return data, ~np.isin(labels, state["labels"] if state is not None else [])


def held(run_id: str) -> Mapping[str, np.ndarray] | None:
    """Balls that contain each train image: `own` class (N,) and, for not too large data, `any` class (N,)."""
    path = folder_of(home(), run_id) / OVERLAP
    return artifacts.load_arrays(path) if path.exists() else None


def rivals(run_id: str) -> dict[str, Any] | None:
    """Random, k-center and greedy beside this cover, or None until they are computed."""
    path = folder_of(home(), run_id) / RIVALS
    return artifacts.load_json(path) if path.exists() else None


def _name(chosen: RunConfig) -> str:
    options = chosen.method.options
    size = f"{options.ipc}/class" if options.radius is None else f"η {options.radius:g}"
    return f"Cover of {Path(chosen.data.name).name}, {options.norm}, {size}"


def _prune() -> None:
    """Remove the oldest ended covers with their files."""
    for record in store().runs(kind="covering", status=ENDED)[KEPT:]:
        try:
            store().delete(record.id)
        except RunError:
            continue  # another session was faster
        shutil.rmtree(folder_of(home(), record.id), ignore_errors=True)
