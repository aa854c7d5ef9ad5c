"""Doing a study: the cells that are missing, one condensed set after another, by any number of processes at once.

A process takes the lock of a condensed set, does its cells in order as ordinary runs and lets go. What a finished run
of the study left (condensed set, map, trained network) is laid into the folder of the next one that needs the same,
where the run finds it as it finds what an interrupted attempt finished; the seconds that it took are carried over too.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import RunError
from core.events import Progress
from core.runs import artifacts, frames, keeping, locks, recovery, stages
from core.runs.kinds import KINDS
from core.runs.perform import claim, folder_of, perform
from core.runs.store import Store
from core.runs.study import Cell, Study, groups
from core.runs.study_done import finished
from core.types import RunRecord

CONDENSED = ("condensed.npz", keeping.MOSAIC, frames.NAME, "certificate.json", "map.npz", "members.npz")
LANE = "here"  # no worker's lane: the process that studies does the runs itself
UNFINISHED = ("interrupted", "cancelled", "failed")


def work(
    study: Study, name: str, store: Store, home: Path, on_event: Callable[[Cell, Progress], None]
) -> Iterator[tuple[Cell, RunRecord]]:
    """Do every cell that nobody has done or is doing; yields each with its record when it has ended.

    name  what its runs' names begin with
    """
    recovery.settle(store, home)
    for key, cells in groups(study).items():
        lock = locks.take(home / "studies" / "locks" / key)
        if lock is None:
            continue  # another process is at it
        try:
            for cell in cells:
                if cell.digest not in finished(store):
                    yield cell, _do(cell, cells, name, store, home, on_event)
        finally:
            lock.release()


def _do(
    cell: Cell, cells: list[Cell], name: str, store: Store, home: Path, on_event: Callable[[Cell, Progress], None]
) -> RunRecord:
    """Continue what an earlier attempt left of a cell, or begin it; returns the record when it has ended."""
    run_id = _left(store, cell)
    if run_id is None:
        title = f"{name} · {cell.words}"
        run_id = store.create("run", cell.settings.to_json(), name=title, digest=cell.digest, lane=LANE)
        _adopt(cell, cells, run_id, store, home)
    claimed = claim(store, home, run_id)
    if claimed is None:
        raise RunError(f"run {run_id} was cancelled or deleted before it could begin: start the study again")
    try:
        perform(store, home, claimed[0], KINDS, on_event=lambda event: on_event(cell, event))
    finally:
        claimed[1].release()
    return store.get(run_id)


def _left(store: Store, cell: Cell) -> str | None:
    """An unfinished run with these settings that can be gone on with, queued again."""
    for record in store.runs(kind="run", digest=cell.digest, status=UNFINISHED, limit=1):
        if record.resumable:
            store.requeue(record.id, lane=LANE)
            return record.id
    return None


def _adopt(cell: Cell, cells: list[Cell], run_id: str, store: Store, home: Path) -> None:
    """Lay what finished runs of the same condensed set left into a new run's folder."""
    folder = folder_of(home, run_id)
    seconds: dict[str, float] = {}
    done = finished(store)
    for other in cells:
        record = done.get(other.digest)
        if record is None:
            continue
        _copy(folder_of(home, record.id), folder, CONDENSED)
        seconds |= {stage: record.seconds[stage] for stage in ("condense", "map") if stage in record.seconds}
        if other.model == cell.model:
            _copy(folder_of(home, record.id), folder, _models(cell.settings.networks))
            seconds |= {stage: record.seconds[stage] for stage in ("train",) if stage in record.seconds}
    store.note(run_id, seconds=seconds)


def _models(networks: int) -> tuple[str, ...]:
    """Names of the files of that many trained networks."""
    return tuple(f"{stages.part_of(n)}{kept}.safetensors" for n in range(networks) for kept in stages.KEPT)


def _copy(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).exists() and not (target / name).exists():
            with artifacts.replacing(target / name) as temporary:
                shutil.copyfile(source / name, temporary)
