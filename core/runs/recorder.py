"""From progress events to rows of the store, a bounded number a second.

Every event that carries an accuracy or changes the stage is stored. Of the others at most one per
`EVERY_S`; the last one before a change of stage is kept, so that counts end where they ended.
"""

import time
from math import isfinite

from core.errors import NumericsError
from core.events import Progress
from core.runs.job import Ledger
from core.runs.store import Store

EVERY_S = 0.05


class Recorder:
    """Writes the events of one run; call it with each."""

    def __init__(self, store: Store, run_id: str, ledger: Ledger) -> None:
        self._store, self._run, self._ledger = store, run_id, ledger
        self._stage, self._last, self._held, self._known = "", 0.0, None, ("", 0)

    def __call__(self, event: Progress) -> None:
        for name, value in event.values.items():
            if not isfinite(value):
                raise NumericsError(
                    f"{name} became {value} while {event.stage} was at {event.done} of {event.total} {event.unit}: "
                    "lower the learning rate or raise the ridge"
                )
        now = time.monotonic()
        fresh = event.stage != self._stage
        if fresh or now - self._last >= EVERY_S or any(name.endswith("_acc") for name in event.values):
            self._store.append(self._run, [self._held, event] if fresh and self._held else [event])
            self._stage, self._last, self._held = event.stage, now, None
        else:
            self._held = event
        self._note(fresh)

    def flush(self) -> None:
        """Store what was held back."""
        if self._held:
            self._store.append(self._run, [self._held])
            self._held = None
        self._note(True)

    def _note(self, due: bool) -> None:
        """Copy the ledger into the record when it has something new."""
        known = (self._ledger.data_hash, len(self._ledger.seconds))
        if due and known != self._known:
            self._store.note(self._run, data_hash=self._ledger.data_hash, seconds=self._ledger.seconds)
            self._known = known
