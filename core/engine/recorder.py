"""From progress events to rows of the store, a bounded number a second.

Every event that carries an accuracy or changes the stage is stored. Of the others at most one per
`EVERY_S`; the last one before a change of stage is kept, so that counts end where they ended. Now and then the stored
ones are thinned, see `core.engine.thinning`.
"""

import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from core.engine import thinning
from core.engine.job import Ledger
from core.engine.store import Store
from core.errors import NumericsError
from core.events import Progress

EVERY_S = 0.05


class Recorder:
    """Writes the events of one run; call it with each."""

    def __init__(self, store: Store, run_id: str, folder: Path, ledger: Ledger, token: str = "") -> None:
        self._store, self._run, self._folder, self._ledger, self._token = store, run_id, folder, ledger, token
        self._since = 0
        self._stage, self._last = "", 0.0
        self._known = ("", 0, len(ledger.notes))
        self._held: Progress | None = None

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
            self._append([self._held, event] if fresh and self._held else [event])
            self._stage, self._last, self._held = event.stage, now, None
        else:
            self._held = event
        self._note(fresh)

    def flush(self) -> None:
        """Store what was held back."""
        if self._held:
            self._append([self._held])
            self._held = None
        self._note(True)

    def _append(self, events: Sequence[Progress]) -> None:
        self._store.append(self._run, events, self._token)
        self._since += len(events)
        if self._since >= thinning.KEEP:
            thinning.thin(self._store, self._folder, self._run)
            self._since = 0

    def _note(self, due: bool) -> None:
        """Copy the ledger into the record when it has something new."""
        found = self._ledger
        known = (found.data_hash, len(found.seconds), len(found.notes))
        if due and known != self._known:
            new = {"data_hash": found.data_hash, "seconds": found.seconds, "notes": found.notes}
            self._store.note(self._run, token=self._token, **new)
            self._known = known
