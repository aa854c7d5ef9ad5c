"""Which cells of a study are done: those with a finished run that computes the same, whoever started it."""

from core.engine.store import Store
from core.types import RunRecord


def finished(store: Store, since: float = 0.0) -> dict[str, RunRecord]:
    """The newest finished run of each digest.

    since  seconds since the epoch: only runs that were queued later
    """
    found: dict[str, RunRecord] = {}
    for record in store.runs(kind="run", status=("done",)):
        if record.created >= since:
            found.setdefault(record.digest, record)
    return found
