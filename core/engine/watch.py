"""Cancelling from the inside: a thread that hears the request and ends the process if the work does not.

The same thread gives signs of life. They end when the process is stopped or hangs, and when the work itself has told
nothing for `MUTE_S`; what comes of that is up to `core.engine.silence`.

The work checks between two events. When it is in the middle of a long call that returns to Python only
later, the thread waits `GRACE_S`, marks the run cancelled and ends the process; the pool starts another.
A call that never lets go of the interpreter is ended by the executor, from the outside.

A sign of life renews the lease of the run. One that was given to somebody else, or could not be renewed while it
lasted, is no more ours: the work stops in the same way and writes nothing.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from core.engine import artifacts, writing
from core.engine.reading import LEASE_S
from core.engine.store import Store
from core.errors import BallastError

LOG = logging.getLogger("ballast")

LOOK_S = 0.1  # seconds between two looks at the store
GRACE_S = 1.2  # seconds the work has to stop by itself
BEAT_S = 1.0  # seconds between two signs of life
FAR_LOOK_S = 0.5  # the same where the store is a server
RENEW = 6  # signs of life within a lease where the store is a server
MUTE_S = 1800.0  # seconds for which work may tell nothing, though it should every second
EXIT_CODE = 70  # of a process that ended itself this way


class Watch:
    """Listens for a request to cancel one run while the `with` block lasts."""

    def __init__(
        self, store: Store, run_id: str, folder: Path, token: str = "", end: Callable[[int], None] = os._exit
    ) -> None:  # fmt: skip
        self._store, self._run, self._folder, self._token, self._end = store, run_id, folder, token, end
        self._lost, self._ending, self._renewed = False, False, time.monotonic()
        self._look_s = LOOK_S if store.local else FAR_LOOK_S
        self._beat_s = BEAT_S if store.local else max(BEAT_S, LEASE_S / RENEW)
        self._requested, self._finish, self._over = threading.Event(), threading.Event(), threading.Event()
        self._told, self._beat = time.monotonic(), 0.0
        self._thread = threading.Thread(target=self._listen, name="cancel", daemon=True)

    def requested(self) -> bool:
        """Whether the run was asked to stop; cheap enough to ask between any two events."""
        return self._requested.is_set()

    def told(self) -> None:
        """The work has told something just now."""
        self._told = time.monotonic()

    def ending(self) -> None:
        """The work has ended, and its last word is about to be written."""
        self._ending = True

    def finishing(self) -> bool:
        """Whether the run was asked to end with the best it has so far."""
        return self._finish.is_set()

    def _look(self) -> None:
        owner = self._store.owner(self._run)
        if owner is not None and owner.finish is not None:
            self._finish.set()
        if owner is not None and owner.cancel is not None:
            self._requested.set()
        now = time.monotonic()
        if now - self._beat >= self._beat_s and now - self._told < MUTE_S:
            ours = self._store.beat(self._run, self._token)
            self._beat = self._renewed = now
        else:
            ours = owner is not None and owner.token == self._token
        if self._token and not ours and not self._ending:
            self._lose()

    def _lose(self) -> None:
        LOG.warning("run %s is worked on by somebody else or was ended: this attempt stops", self._run)
        self._lost = True
        self._requested.set()

    def _listen(self) -> None:
        while not self._requested.is_set() and not self._over.wait(self._look_s):
            try:
                self._look()
            except BallastError as error:  # the store cannot be reached at the moment: the next look may be luckier
                LOG.warning("%s", error)
                self._over.wait(BEAT_S)
                if not self._store.local and time.monotonic() - self._renewed > LEASE_S:
                    self._lose()
        if self._over.wait(GRACE_S) or not self._requested.is_set():
            return
        if self._lost:
            return self._end(EXIT_CODE)
        try:
            writing.sweep(self._folder)
            self._store.finish(self._run, "cancelled", token=self._token, resumable=artifacts.resumable(self._folder))
        finally:
            self._end(EXIT_CODE)

    def __enter__(self) -> Self:
        with suppress(BallastError):  # an attempt may begin with a request
            self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
