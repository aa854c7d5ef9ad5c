"""Doing a study: the cells that are missing are queued as ordinary runs, a few at a time, and an executor does them.

Cells with the same condensed set follow each other: what a finished run left (condensed set, map, trained network) is
laid into the folder of the next one that needs the same, where the run finds it as it finds what an interrupted attempt
finished; the seconds that it took are carried over too. Several processes may do the same study: each takes the lock of
a condensed set before it queues a cell of it.
"""

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from core.engine import locks, recovery, writing
from core.engine.perform import folder_of
from core.jobs import frames, keeping, stages
from core.settings.study import Cell, Study, groups
from core.study.desk import Desk
from core.study.done import finished
from core.types import ENDED, EventRow, RunRecord, Status

CONDENSED = ("data.json", "condensed.npz", keeping.MOSAIC, frames.NAME, "certificate.json", "map.npz", "members.npz")
UNFINISHED: tuple[Status, ...] = ("interrupted", "cancelled", "failed")
GOING: tuple[Status, ...] = ("queued", "running")
POLL_S = 0.1  # seconds between two looks at what is going on
Listener = Callable[[Cell, EventRow], None]


@dataclass(kw_only=True, eq=False)
class _Group:
    """The cells of one condensed set that are left, and the run that is going on."""

    cells: list[Cell]
    left: deque[Cell]
    lock: FileLock
    cell: Cell | None = None
    run_id: str = ""
    heard: int = field(default=0)


def work(study: Study, desk: Desk, listen: Listener = lambda cell, event: None) -> Iterator[tuple[Cell, RunRecord]]:
    """Do every cell that nobody has done or is doing; yields each with its record when it has ended.

    Closing it cancels what it has queued.
    """
    recovery.settle(desk.store, desk.home)
    waiting, going = deque(groups(study).items()), list[_Group]()
    try:
        while waiting or going:
            while waiting and len(going) < desk.at_once:
                key, cells = waiting.popleft()
                lock = locks.take(desk.home / "studies" / "locks" / key)
                if lock is not None:  # else another process is at it
                    going.append(_Group(cells=cells, left=deque(cells), lock=lock))
                    _next(going[-1], desk)
            for group in list(going):
                yield from _look(group, desk, listen)
                if group.cell is None:
                    group.lock.release()
                    going.remove(group)
            if any(group.cell is not None for group in going):
                time.sleep(POLL_S)
    finally:
        for group in going:
            if group.cell is not None and desk.store.get(group.run_id, deleted=True).status not in ENDED:
                desk.executor.cancel(group.run_id)
            group.lock.release()


def _look(group: _Group, desk: Desk, listen: Listener) -> Iterator[tuple[Cell, RunRecord]]:
    """Hand on what was said since the last look; when the run has ended, its record, and queue the next cell."""
    if group.cell is None:
        return
    cell, record = group.cell, desk.store.get(group.run_id, deleted=True)
    for event in desk.store.events(group.run_id, group.heard):
        group.heard = event.seq
        listen(cell, event)
    if record.status in ENDED:
        _next(group, desk)
        yield cell, record
    elif record.status == "running":
        recovery.settle_one(desk.store, desk.home, group.run_id)


def _next(group: _Group, desk: Desk) -> None:
    """Queue the next cell of a group that is not done, or wait for the run of somebody else that will be the same."""
    group.cell, group.heard = None, 0
    while group.left and group.cell is None:
        cell = group.left.popleft()
        if cell.digest not in finished(desk.store, desk.since):
            group.cell, group.run_id = cell, _begin(cell, group.cells, desk)


def _begin(cell: Cell, cells: list[Cell], desk: Desk) -> str:
    """Continue what an earlier attempt left of a cell, or begin it; returns the id of its run."""
    known = cell.identity
    for record in desk.store.runs(kind="run", digest=known.digest, status=GOING, limit=1):
        if record.created >= desk.since:
            return record.id
    for record in desk.store.runs(kind="run", digest=known.digest, status=UNFINISHED, limit=1):
        if record.resumable and record.created >= desk.since:
            desk.store.requeue(record.id, lane=desk.lane)
            desk.executor.submit(record.id)
            return record.id
    title = f"{desk.name} · {cell.words}"
    run_id = desk.store.new_id()
    seconds = _adopt(cell, cells, run_id, desk)
    desk.store.create(
        "run", cell.values, name=title, digest=known.digest, basis=known.basis, lane=desk.lane, run_id=run_id,
        seconds=seconds,
    )  # fmt: skip
    desk.executor.submit(run_id)
    return run_id


def _adopt(cell: Cell, cells: list[Cell], run_id: str, desk: Desk) -> dict[str, float]:
    """Lay what finished runs of the same condensed set left into a new run's folder; what that took, by stage."""
    home, folder = desk.home, folder_of(desk.home, run_id)
    seconds: dict[str, float] = {}
    done = finished(desk.store, desk.since)
    for other in cells:
        record = done.get(other.digest)
        if record is None:
            continue
        _copy(folder_of(home, record.id), folder, CONDENSED)
        seconds |= {stage: record.seconds[stage] for stage in ("condense", "map") if stage in record.seconds}
        if other.model == cell.model:
            _copy(folder_of(home, record.id), folder, _models(cell.settings.networks))
            seconds |= {stage: record.seconds[stage] for stage in ("train",) if stage in record.seconds}
    return seconds


def _models(networks: int) -> tuple[str, ...]:
    """Names of the files of that many trained networks."""
    return tuple(f"{stages.part_of(n)}{kept}.safetensors" for n in range(networks) for kept in stages.KEPT)


def _copy(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).exists() and not (target / name).exists():
            with writing.replacing(target / name) as temporary:
                shutil.copyfile(source / name, temporary)
