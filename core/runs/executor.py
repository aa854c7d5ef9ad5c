"""Where runs are worked on: a seam of three verbs, and local processes as the default behind it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

import psutil

from core.errors import RunError
from core.runs import locks, recovery
from core.runs.perform import folder_of
from core.runs.store import Store
from core.runs.worker import slot_lock

ROOT = Path(__file__).resolve().parents[2]
KEEP_S = 0.25  # seconds between two rounds of the keeper
LAST_RESORT_S = 1.6  # seconds after which a run that did not react is killed
SHORT_LIFE_S = 5.0  # a worker that fails sooner than this is not replaced at once
PAUSE_S = 30.0
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

    Workers find their runs in the store. They live in sessions of their own, so that Ctrl-C and a
    restart of the server do not reach them; the pipe to their input tells them when the server is gone.
    """

    def __init__(self, store: Store, home: Path, kinds: Path | None = None) -> None:
        self._store, self._home, self._kinds = store, home, kinds
        self._lock = threading.Lock()
        self._workers: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self._paused_until = 0.0
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None
        self._cancelling: list[threading.Thread] = []

    def submit(self, run_id: str) -> None:
        self.ensure()

    def alive(self, run_id: str) -> bool:
        return locks.held(folder_of(self._home, run_id) / locks.RUN_LOCK)

    def cancel(self, run_id: str) -> None:
        if self._store.request_cancel(run_id) == "running":
            # not a daemon: a command that cancels and ends must still keep its promise
            thread = threading.Thread(target=self._last_resort, args=(run_id,), name="last resort")
            thread.start()
            with self._lock:
                self._cancelling = [t for t in (*self._cancelling, thread) if t.is_alive()]

    def ensure(self) -> None:
        """Bring the pool to its size and see to the thread that keeps it there. Cheap to repeat."""
        self._round()
        with self._lock:
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._keep, name="pool", daemon=True)
                self._keeper.start()

    def close(self) -> None:
        """End the workers that this executor started, whatever they are doing."""
        self._closing.set()
        for thread in [self._keeper, *self._cancelling]:
            if thread is not None:
                thread.join()
        with self._lock:
            for process, _ in self._workers.values():
                process.kill()
                process.wait()
                assert process.stdin is not None
                process.stdin.close()
            self._workers.clear()

    def _keep(self) -> None:
        while not self._closing.wait(KEEP_S):
            self._round()
            recovery.settle(self._store, self._home)

    def _round(self) -> None:
        slots = [f"work-{number}" for number in range(int(self._store.setting("parallel", "1")))]
        if self._store.waiting("light"):
            slots.append("light-0")
        with self._lock:
            self._reap()
            if self._closing.is_set() or time.monotonic() < self._paused_until:
                return
            for slot in slots:
                if slot not in self._workers and not locks.held(slot_lock(self._home, slot)):
                    self._workers[slot] = (self._spawn(slot), time.monotonic())

    def _reap(self) -> None:
        """Forget ended workers, so that no zombie stays; pause when one could not even start."""
        for slot, (process, born) in list(self._workers.items()):
            if process.poll() is None:
                continue
            assert process.stdin is not None
            process.stdin.close()
            del self._workers[slot]
            if process.returncode == 1 and time.monotonic() - born < SHORT_LIFE_S:
                self._paused_until = time.monotonic() + PAUSE_S

    def _spawn(self, slot: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "core.runs.worker", "--home", str(self._home), "--slot", slot]
        if self._kinds is not None:
            command += ["--kinds", str(self._kinds)]
        log = slot_lock(self._home, slot).with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as out:
            return subprocess.Popen(
                command,
                env=_environment(int(self._store.setting("parallel", "1"))),
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
            if self._store.owner(run_id) is None:
                return
        owner = self._store.owner(run_id)
        if owner is not None and self.alive(run_id):
            try:
                process = psutil.Process(owner.pid)
                if abs(process.create_time() - owner.born) < 2:  # not another process that got the number since
                    process.kill()
            except psutil.NoSuchProcess:
                pass  # it ended by itself just now
        deadline = time.monotonic() + 1.0
        while self._store.owner(run_id) is not None and time.monotonic() < deadline:
            recovery.settle_one(self._store, self._home, run_id)
            time.sleep(0.01)


def _environment(parallel: int) -> dict[str, str]:
    """Ours, with the processor's cores shared out between the workers unless the user has decided.

    Threads that wait must sleep: spinning ones made small networks twenty times slower on a busy machine. Freed
    memory is kept (glibc): giving it back and asking again cost more than a step of PGD on a kernel.
    """
    threads = str(max(1, (os.cpu_count() or 1) // parallel))
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
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
