"""Runs whose worker died: found by their free lock, ended with a word about where they stood.

A file lock says nothing of another machine. There the store tells: a claim is a lease that its holder renews and whose
end the clock of the database measures, so that the clocks of the machines need not agree.
"""

from dataclasses import replace
from pathlib import Path

from core.engine import artifacts, locks, writing
from core.engine.job import POOLED
from core.engine.perform import folder_of
from core.engine.process import HOST
from core.engine.rows import Owner
from core.engine.store import Store
from core.errors import BallastError
from core.types import RunRecord

RETRIES = "retries"  # setting: how often a run whose worker died is queued again by itself; never unless somebody says


def here(store: Store, owner: Owner) -> bool:
    """Whether the process that works on a run is on this machine, where locks tell whether it lives."""
    return store.local or owner.host == HOST


def alive(store: Store, home: Path, run_id: str) -> bool:
    """Whether somebody works on a run: here its lock is held, elsewhere its lease has not ended."""
    owner = store.owner(run_id)
    if owner is None or here(store, owner):
        return locks.held(folder_of(home, run_id) / locks.RUN_LOCK)
    return owner.left > 0


def settle(store: Store, home: Path) -> None:
    """End every running run that nobody works on any more."""
    for run_id in store.running():
        settle_one(store, home, run_id)


def truth(store: Store, home: Path, run_id: str) -> RunRecord:
    """The record of a run; one of a dead worker is ended first, and told as ended even when that cannot be written."""
    record = store.get(run_id)
    if record.status != "running":
        return record
    try:
        settle_one(store, home, run_id)
    except BallastError as error:
        if not locks.held(folder_of(home, run_id) / locks.RUN_LOCK) and store.local:
            return replace(record, status="interrupted", error=f"the worker process ended: {error}")
    return store.get(run_id)


def settle_one(store: Store, home: Path, run_id: str, why: str = "", patience: float = 0.0) -> bool:
    """End one running run if its worker is dead: cancelled when that was asked for, else interrupted; whether it was.

    why       what to say of the end instead of that it was unexpected
    patience  seconds to wait for the run's lock, which every look at it holds for an instant

    Where the setting `RETRIES` allows it, an interrupted run is queued again instead. The lock is held meanwhile, so
    that nobody claims the run between the look and the word; a worker that ended it properly did so before letting go
    of the lock, and its word stands. Elsewhere the lease must have ended, and the word is about that claim only.
    """
    owner = store.owner(run_id)
    if owner is None or not (here(store, owner) or owner.left <= 0):
        return False
    folder = folder_of(home, run_id)
    lock = locks.take(folder / locks.RUN_LOCK, patience) if here(store, owner) else None
    if lock is None and here(store, owner):
        return False
    try:
        if lock is not None:
            writing.sweep(folder)
        again = artifacts.resumable(folder)
        if owner.cancel is not None:
            return store.finish(run_id, "cancelled", token=owner.token, resumable=again)
        who = "the worker process ended unexpectedly" if lock is not None else f"{owner.host} gave no sign of life"
        said = why or _sentence(store, run_id, again, who)
        if not why and _once_more(store, run_id, owner, said):
            return True
        return store.finish(run_id, "interrupted", token=owner.token, error=said, resumable=again)
    finally:
        if lock is not None:
            lock.release()


def _once_more(store: Store, run_id: str, owner: Owner, said: str) -> bool:
    """Queue a run of a pool again whose worker died, as often as is allowed, with a note of what happened."""
    most = int(store.number(RETRIES, 0, low=0, high=1e6))
    if store.restarts(run_id) >= most or run_id not in store.running(POOLED):
        return False
    store.note(run_id, token=owner.token, notes=[*store.get(run_id).notes, f"{said.rpartition(':')[0]}: begun again"])
    return store.restart(run_id, owner.token, most=most)


def _sentence(store: Store, run_id: str, again: bool, who: str) -> str:
    last = store.last_event(run_id)
    where = f"at {last.stage} {last.done} of {last.total} {last.unit}" if last else "before its first event"
    remedy = "resume it from its checkpoint" if again else "run it again"
    return f"{who} {where}: {remedy}"
