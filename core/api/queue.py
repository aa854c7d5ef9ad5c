"""The one door through which runs come into the store, so that each is known by its identity and by whose it is."""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core.api import visitors
from core.api.workplace import executor, store
from core.engine.job import Lane
from core.settings import history
from core.settings.identity import identity
from core.types import RunRecord, Status

MOST_LETTERS = 120  # of a name
_ADMITTING = threading.Lock()  # two sessions of a guest do not count the same runs


def create(kind: str, config: Mapping[str, Any], *, name: str, lane: str) -> str:
    """Store a queued run that is known by its identity and by the run it is about; returns its id.

    raises  AccessError when a guest has as many runs as they may, DataError for a path that they may not have read
    """
    values = history.current(kind, config)
    visitors.refuse_paths(values)
    found = identity(values)
    parent = history.parent_of(config)
    about: dict[str, Any] = {"name": plain(name)[:MOST_LETTERS], "digest": found.digest, "basis": found.basis}
    with _ADMITTING:
        return store().create(kind, config, **about, parent=parent, lane=lane, visitor=visitors.admit())


def plain(name: str) -> str:
    """A name in one line, without characters that cannot be seen."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def submit(kind: str, config: Mapping[str, Any], *, name: str, lane: Lane = "work") -> str:
    """Queue a run for the workers and return its id."""
    run_id = create(kind, config, name=name, lane=lane)
    executor().submit(run_id)
    return run_id


def equal(kind: str, config: Mapping[str, Any], status: Sequence[Status] = (), place: str = "") -> list[RunRecord]:
    """Runs of this kind that compute the same on the same data, newest first; none where a path may not be read.

    place  the user's own runs, or with the id of an example those of the examples; never both
    """
    values = history.current(kind, config)
    if not visitors.reads(values):
        return []
    return store(place).runs(kind=kind, digest=identity(values).digest, status=status)


def lane_of_small(ignoring: Collection[str] = ()) -> Lane:
    """The lane of a run that is soon done: a worker of its own where it would wait behind other work.

    ignoring  kinds of run that it may wait behind; descriptions of data have that worker already and never count
    """
    others = {record.kind for record in store().runs(status=("queued", "running"))} - {"data", *ignoring}
    return "light" if others else "work"
