"""Where runs are worked on: a seam of three verbs, and local processes as the default behind it."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from core.engine import locks, process, recovery, silence, trash, trouble
from core.engine.store import Store
from core.engine.worker import size, slot_lock
from core.errors import BallastError, RunError
from core.types import plugins

LOG = logging.getLogger("ballast")
ROOT = Path(__file__).resolve().parents[2]
KEEP_S = 0.25  # seconds between two rounds of the keeper
LAST_RESORT_S = 1.6  # seconds after which a run that did not react is killed
SHORT_LIFE_S = 5.0  # a worker that fails sooner than this is not replaced at once
PAUSE_S = 30.0
PURGE_S = 3600.0  # seconds between two looks at the age of what is in the trash
CREATION_FLAGS = (  # no console window, no Ctrl-C from ours; zero where it means nothing
    getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
)


class Executor(Protocol):
    """What the api needs of a place where runs are done."""

    def submit(self, run_id: str) -> None:
        """See to it that a queued run is worked on."""

    def cancel(self, run_id: str) -> None:
        """Stop a run within two seconds; it is then `cancelled`."""

    def alive(self, run_id: str) -> bool:
        """Whether somebody works on the run right now."""


class LocalExecutor:
    """A pool of worker processes on this machine, kept at its size by a thread.

    Workers find their runs in the store, and what each kind of run does in the module called `kinds`. They live in
    sessions of their own, so that Ctrl-C and a restart of the server do not reach them; the pipe to their input tells
    them when the server is gone.
    """

    def __init__(self, store: Store, home: Path, kinds: str) -> None:
        self.store, self._home, self._kinds = store, home, kinds
        self._lock = threading.Lock()
        self._workers: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._paused_until = 0.0
        self._closing = threading.Event()
        self._listener = silence.Listener()
        self._purge_at = time.monotonic()
        self.trouble = ""  # what keeps the pool from its work at the moment, in one sentence
        self._keeper: threading.Thread | None = None
        self._cancelling: list[threading.Thread] = []
        store.on_close(self.close)

    def submit(self, run_id: str) -> None:
        self.ensure()

    def alive(self, run_id: str) -> bool:
        return recovery.alive(self.store, self._home, run_id)

    def cancel(self, run_id: str) -> None:
        if self.store.request_cancel(run_id) == "running":
            # not a daemon: a command that cancels and ends must still keep its promise
            thread = threading.Thread(target=self._last_resort, args=(run_id,), name="last resort")
            with self._lock:
                if self._closing.is_set():
                    return  # what runs here is ended at once
                thread.start()
                self._cancelling = [t for t in (*self._cancelling, thread) if t.is_alive()]

    def ensure(self) -> None:
        """Bring the pool to its size and see to the thread that keeps it there. Cheap to repeat."""
        self._guarded(self._round)
        with self._lock:
            if not self._closing.is_set() and (self._keeper is None or not self._keeper.is_alive()):
                self._keeper = threading.Thread(target=self._keep, name="pool", daemon=True)
                self._keeper.start()

    def requeue(self, run_id: str) -> None:
        """Kill whoever works on a run and gives no sign of life, and queue the run again."""
        silence.kill_and_requeue(self.store, self._home, run_id)
        self.ensure()

    def close(self) -> None:
        """End the threads of this executor, then the workers that it started, whatever they are doing."""
        with self._lock:
            self._closing.set()  # no thread begins from here on
            threads = [self._keeper, *self._cancelling]
        for thread in threads:
            if thread is not None:
                thread.join()
        with self._lock:
            for worker, _ in self._workers.values():
                worker.kill()
                worker.wait()
                assert worker.stdin is not None
                worker.stdin.close()
            self._workers.clear()

    def _keep(self) -> None:
        while not self._closing.wait(KEEP_S):
            if self._guarded(self._round) and self._guarded(self.look_after):
                self.trouble = ""

    def _guarded(self, work: Callable[[], None]) -> bool:
        """Whether a part of a round went well; what goes wrong is told, and the next round tries again."""
        try:
            work()
        except BallastError as error:
            self._note(str(error))
        except OSError as error:
            self._note(str(trouble.of_files(error, self._home)))
        except Exception as error:
            LOG.exception("a round of the pool failed")
            self._note(f"the pool of workers met an unexpected error: {type(error).__name__}: {error}")
        else:
            return True
        return False

    def _note(self, sentence: str) -> None:
        if sentence != self.trouble:
            LOG.warning("%s", sentence)
        self.trouble = sentence

    def look_after(self) -> None:
        """End the runs of dead workers, and of those that give no sign of life."""
        recovery.settle(self.store, self._home)
        if time.monotonic() >= self._purge_at:
            trash.purge(self.store, self._home)
            self.store.lay_by()
            self._purge_at = time.monotonic() + PURGE_S
        for run_id in self._listener.silent(self.store):
            silence.kill_and_requeue(self.store, self._home, run_id, again=True)

    def at_once(self) -> int:
        """How many runs are worth queueing at the same time."""
        return size(self.store)

    def slots(self, parallel: int) -> list[str]:
        """Places in the pool that are to be filled now."""
        light = ["light-0"] if self.store.waiting("light") else []
        return [*(f"work-{number}" for number in range(parallel)), *light]

    def module(self) -> str:
        """What a process of the pool is."""
        return "core.engine.worker"

    def _round(self) -> None:
        parallel = size(self.store)
        slots = self.slots(parallel)
        with self._lock:
            self._reap()
            if self._closing.is_set() or time.monotonic() < self._paused_until:
                return
            for slot in slots:
                if slot not in self._workers and not locks.held(slot_lock(self._home, slot)):
                    self._workers[slot] = (self._spawn(slot, parallel), time.monotonic())

    def _reap(self) -> None:
        """Forget ended workers, so that no zombie stays; pause when one could not even start."""
        for slot, (worker, born) in list(self._workers.items()):
            if worker.poll() is None:
                continue
            assert worker.stdin is not None
            worker.stdin.close()
            del self._workers[slot]
            if worker.returncode == 1 and time.monotonic() - born < SHORT_LIFE_S:
                self._paused_until = time.monotonic() + PAUSE_S

    def _spawn(self, slot: str, parallel: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", self.module(), "--home", str(self._home), "--slot", slot]
        command += ["--kinds", self._kinds]
        log = slot_lock(self._home, slot).with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            return subprocess.Popen(
                command,
                env=_environment(parallel),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                creationflags=CREATION_FLAGS,
            )

    def _last_resort(self, run_id: str) -> None:
        """Kill the process of a run that was asked to stop and did not, and say how the run ended."""
        deadline = time.monotonic() + LAST_RESORT_S
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if self.store.owner(run_id) is None:
                return
        owner = self.store.owner(run_id)
        if owner is not None and recovery.here(self.store, owner) and self.alive(run_id):
            process.kill(owner.pid, owner.born)
        deadline = time.monotonic() + 1.0
        while self.store.owner(run_id) is not None and time.monotonic() < deadline:
            recovery.settle_one(self.store, self._home, run_id)
            time.sleep(0.01)


def _environment(parallel: int) -> dict[str, str]:
    """Ours, with the processor's cores shared out between the workers unless the user has decided.

    Threads that wait must sleep: spinning ones made small networks twenty times slower on a busy machine. Freed
    memory is kept (glibc): giving it back and asking again cost more than a step of PGD on a kernel.
    """
    threads = str(max(1, (os.cpu_count() or 1) // parallel))
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"), *plugins.folders())))
    ours = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    keep = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}
    return {**ours, **keep, **os.environ, "PYTHONPATH": path}


def check_parallel(count: int) -> int:
    """A size of the pool that this machine can mean.

    raises  RunError outside 1..number of cores
    """
    most = max(1, os.cpu_count() or 1)
    if not 1 <= count <= most:
        raise RunError(f"the number of parallel runs must be 1 to {most} on this machine, got {count}")
    return count
