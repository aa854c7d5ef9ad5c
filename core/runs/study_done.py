"""Which cells of a study are done: those with a finished run of equal settings, whoever started it."""

from core.errors import ConfigError
from core.runs.config import RunConfig
from core.runs.store import Store
from core.types import RunRecord

MANY = 100_000
_DIGESTS: dict[str, str] = {}  # run id -> digest of its settings, which never change


def finished(store: Store) -> dict[str, RunRecord]:
    """The newest finished run of each digest.

    Settings are read anew, so that a run stored before an option existed counts with that option's default.
    """
    found: dict[str, RunRecord] = {}
    for record in store.runs(kind="run", status=("done",), limit=MANY):
        found.setdefault(digest_of(record), record)
    return found


def digest_of(record: RunRecord) -> str:
    """The digest of a run's settings as they read today, "" when they cannot be read any more."""
    if record.id not in _DIGESTS:
        try:
            _DIGESTS[record.id] = RunConfig(**record.config).digest
        except ConfigError:  # a method or an option that there was once
            _DIGESTS[record.id] = ""
    return _DIGESTS[record.id]
