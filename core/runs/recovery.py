"""Runs whose worker died: found by their free lock, ended with a word about where they stood."""

from pathlib import Path

from core.runs import artifacts, locks
from core.runs.perform import folder_of
from core.runs.store import Store


def settle(store: Store, home: Path) -> None:
    """End every running run that nobody works on any more."""
    for record in store.runs(status=("running",)):
        settle_one(store, home, record.id)


def settle_one(store: Store, home: Path, run_id: str) -> None:
    """End one running run if its worker is dead: cancelled when that was asked for, else interrupted.

    The lock is held meanwhile, so that nobody claims the run between the look and the word; a worker
    that ended it properly did so before letting go of the lock, and its word stands.
    """
    owner = store.owner(run_id)
    if owner is None:
        return
    folder = folder_of(home, run_id)
    lock = locks.take(folder / locks.RUN_LOCK)
    if lock is None:
        return
    try:
        artifacts.sweep(folder)
        again = artifacts.resumable(folder)
        if owner.cancel is not None:
            store.finish(run_id, "cancelled", resumable=again)
        else:
            store.finish(run_id, "interrupted", error=_sentence(store, run_id, again), resumable=again)
    finally:
        lock.release()


def _sentence(store: Store, run_id: str, again: bool) -> str:
    last = store.last_event(run_id)
    where = f"at {last.stage} {last.done} of {last.total} {last.unit}" if last else "before its first event"
    remedy = "resume it from its checkpoint" if again else "run it again"
    return f"the worker process ended unexpectedly {where}: {remedy}"
