"""Deleting that can be undone: a run lies in the trash for thirty days before it is removed for good.

The row is marked first and the folder moved after it, so that a process that is killed in between leaves nothing that
cannot be restored.
"""

import os
import shutil
import time
from pathlib import Path

from core.engine import trouble
from core.engine.perform import folder_of
from core.engine.store import Store

DAYS = 30


def place(home: Path, run_id: str) -> Path:
    """Where the folder of a deleted run lies."""
    return home / "trash" / run_id


def discard(store: Store, home: Path, run_id: str) -> None:
    """Put an ended run into the trash; RunError while it is queued or running."""
    store.discard(run_id, time.time())
    _move(folder_of(home, run_id), place(home, run_id))


def restore(store: Store, home: Path, run_id: str) -> None:
    """Take a run out of the trash, with everything it left."""
    _move(place(home, run_id), folder_of(home, run_id))
    store.discard(run_id, None)


def remove(store: Store, home: Path, run_id: str) -> None:
    """Remove an ended run for good, from the trash or from where it is."""
    store.delete(run_id)
    for folder in (folder_of(home, run_id), place(home, run_id)):
        shutil.rmtree(folder, ignore_errors=True)


def purge(store: Store, home: Path) -> int:
    """Remove what has been in the trash for longer than `DAYS`; how many runs that were."""
    limit = time.time() - DAYS * 86_400
    old = [record.id for record in store.runs(deleted=True, damaged=True) if (record.deleted or limit) < limit]
    for run_id in old:
        remove(store, home, run_id)
    return len(old)


def _move(source: Path, target: Path) -> None:
    if not source.exists() or target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
    except OSError as error:
        raise trouble.of_files(error, target) from None
