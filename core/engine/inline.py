"""Runs done at once, in the process that submits them: for the command line, and for tests that need no workers."""

from collections.abc import Callable, Mapping
from pathlib import Path

from core.engine import recovery
from core.engine.job import Kind
from core.engine.perform import claim, perform
from core.engine.store import Store
from core.errors import RunError
from core.events import Progress

LANE = "here"  # of runs that no worker may take


class InlineExecutor:
    """An executor whose `submit` returns when the run has ended.

    on_event  hears every event besides the store
    """

    def __init__(
        self, store: Store, home: Path, kinds: Mapping[str, Kind],
        on_event: Callable[[Progress], None] = lambda event: None,
    ) -> None:  # fmt: skip
        self._store, self._home, self._kinds, self._on_event = store, home, kinds, on_event

    def submit(self, run_id: str) -> None:
        """Do a queued run to its end.

        raises  RunError when somebody else has it or it is queued no more
        """
        found = claim(self._store, self._home, run_id)
        if found is None:
            raise RunError(f"run {run_id} was cancelled or deleted before it could begin: start it again")
        claimed, lock = found
        try:
            perform(self._store, self._home, claimed, self._kinds, on_event=self._on_event)
        finally:
            lock.release()

    def at_once(self) -> int:
        return 1

    def cancel(self, run_id: str) -> None:
        self._store.request_cancel(run_id)

    def alive(self, run_id: str) -> bool:
        return recovery.alive(self._store, self._home, run_id)
