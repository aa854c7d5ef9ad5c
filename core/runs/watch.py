"""Cancelling from the inside: a thread that hears the request and ends the process if the work does not.

The work checks between two events. When it is in the middle of a long call that returns to Python only
later, the thread waits `GRACE_S`, marks the run cancelled and ends the process; the pool starts another.
A call that never lets go of the interpreter is ended by the executor, from the outside.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from core.runs import artifacts
from core.runs.store import Store

LOOK_S = 0.1  # seconds between two looks at the store
GRACE_S = 1.2  # seconds the work has to stop by itself
EXIT_CODE = 70  # of a process that ended itself this way


class Watch:
    """Listens for a request to cancel one run while the `with` block lasts."""

    def __init__(self, store: Store, run_id: str, folder: Path, end: Callable[[int], None] = os._exit) -> None:
        self._store, self._run, self._folder, self._end = store, run_id, folder, end
        self._requested, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, name="cancel", daemon=True)

    def requested(self) -> bool:
        """Whether the run was asked to stop; cheap enough to ask between any two events."""
        return self._requested.is_set()

    def _listen(self) -> None:
        while not self._over.wait(LOOK_S):
            owner = self._store.owner(self._run)
            if owner is not None and owner.cancel is not None:
                self._requested.set()
                break
        if self._over.wait(GRACE_S) or not self._requested.is_set():
            return
        artifacts.sweep(self._folder)
        self._store.finish(self._run, "cancelled", resumable=artifacts.resumable(self._folder))
        self._end(EXIT_CODE)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
