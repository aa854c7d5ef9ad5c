"""What is wrong in a home, and what can be done about it: store, folders of runs, their files, the cache, the trash.

Nothing is deleted but half-written files: what is damaged or belongs to nobody is moved aside. Cost: every file of the
home is read once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.engine import artifacts, locks, recovery, salvage, trash, writing
from core.engine.kept import DAMAGED, move_aside
from core.engine.perform import RECORD, folder_of
from core.engine.store import Store
from core.errors import BallastError, DataError
from core.types import ENDED

NO_RECORD = (BallastError, KeyError, TypeError, ValueError)
ORPHANS = "orphans"  # folder of the home for what belongs to no run


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    what    one sentence
    repair  what mends it and says how, or None when only a person can
    """

    what: str
    repair: Callable[[], str] | None = None


def examine(store: Store, home: Path) -> Iterator[Finding]:
    """Everything that is wrong, one finding after another as they are found."""
    yield from _rows(store, home)
    yield from _folders(store, home)
    for folder in _in(home / "runs"):
        if not recovery.alive(store, home, folder.name):
            yield from _files(folder, "the run")
    for folder in _in(home / "cache"):
        yield from _files(folder, "the data")


def _rows(store: Store, home: Path) -> Iterator[Finding]:
    for run_id in store.running():
        if not recovery.alive(store, home, run_id):
            yield Finding(
                f"run {run_id} is said to be running and nobody works on it",
                partial(_said, f"run {run_id} is ended", partial(recovery.settle_one, store, home, run_id)),
            )
    for record in [*store.runs(damaged=True), *store.runs(damaged=True, deleted=True)]:
        if record.damaged and record.deleted is None:
            yield Finding(f"run {record.id}: {record.error}", partial(_mend, store, home, record.id))
        elif record.deleted is None and record.status == "done" and not folder_of(home, record.id).is_dir():
            if trash.place(home, record.id).is_dir():
                back = partial(trash.restore, store, home, record.id)
                yield Finding(
                    f"run {record.id} is in use and its folder in the trash", partial(_said, "it is put back", back)
                )
            else:
                yield Finding(f"run {record.id} is done and its folder is missing: run it again, or delete it")


def _mend(store: Store, home: Path, run_id: str) -> str:
    """Put a row right by the record that its run left; without one the run goes into the trash."""
    try:
        salvage.adopt(store, artifacts.load_json(folder_of(home, run_id) / RECORD))
    except NO_RECORD:
        store.end(run_id)
        trash.discard(store, home, run_id)
        return f"run {run_id} is in the trash"
    return "it is put right by the record it left"


def _folders(store: Store, home: Path) -> Iterator[Finding]:
    """Folders of runs that the store does not know, and runs that ended while somebody holds their lock."""
    known = {record.id: record for deleted in (False, True) for record in store.runs(damaged=True, deleted=deleted)}
    for place in ("runs", "trash"):
        for folder in _in(home / place):
            if folder.name not in known:
                yield Finding(
                    f"the store knows no run {folder.name}, whose folder is in {place}/",
                    partial(_adopt, store, home, folder),
                )
            elif place == "runs" and known[folder.name].status in ENDED and locks.held(folder / locks.RUN_LOCK):
                yield Finding(f"run {folder.name} has ended, and a process still holds its lock: see workers/*.log")


def _adopt(store: Store, home: Path, folder: Path) -> str:
    """Take a run back into the store by the record in its folder; without one the folder is put aside."""
    try:
        salvage.adopt(store, artifacts.load_json(folder / RECORD))
    except NO_RECORD:
        target = home / ORPHANS / folder.name
        target.parent.mkdir(exist_ok=True)
        folder.replace(target)
        return f"it has no record and is put aside as {ORPHANS}/{folder.name}"
    if folder.parent.name == "trash":
        trash.restore(store, home, folder.name)
    return "it is taken back by the record it left"


def _files(folder: Path, what: str) -> Iterator[Finding]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") and path.name.endswith(writing.TEMPORARY):
            yield Finding(
                f"{path} is half written by a process that is gone",
                partial(_said, "it is removed", partial(writing.sweep, folder)),
            )
        read = READERS.get(path.name, READERS.get(path.suffix))
        if read is None or DAMAGED in path.name:
            continue
        try:
            read(path)
        except (DataError, ValueError, KeyError, TypeError, EOFError) as error:
            yield Finding(f"{path} is damaged ({error}): {what} has to be computed again", partial(_aside, path))
        except (BallastError, OSError) as error:
            yield Finding(f"{path} cannot be read at the moment: {error}")


def _aside(path: Path) -> str:
    return f"it is kept as {move_aside(path).name}"


def _said(sentence: str, work: Callable[[], Any]) -> str:
    work()
    return sentence


def _in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _array(path: Path) -> None:
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    np.array(found[-1:])  # a mapped file that is too short is refused before


READERS: Mapping[str, Callable[[Path], Any]] = {
    "condensed.npz": artifacts.load_condensed,
    ".npz": artifacts.load_arrays,
    ".safetensors": artifacts.load_model,
    ".json": artifacts.load_json,
    ".npy": _array,
}
