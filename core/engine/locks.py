"""Who is alive: a file lock held for life.

A killed child stays a zombie under the process that started it, so its pid says nothing; the lock of
a dead process is free at once, on every system.
"""

import time
from pathlib import Path

from filelock import FileLock, Timeout

from core.engine import trouble

RUN_LOCK = "alive.lock"


def take(path: Path, patience: float = 0.0) -> FileLock | None:
    """Hold the lock at `path`, or None when another process still has it after `patience` seconds.

    raises  ResourceError where no lock can be made
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise trouble.of_files(error, path.parent) from None
    lock = FileLock(path, thread_local=False)
    deadline = time.monotonic() + patience
    while True:
        try:
            lock.acquire(timeout=0)
            return lock
        except Timeout:
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.01)
        except OSError as error:
            raise trouble.of_files(error, path) from None


def held(path: Path) -> bool:
    """Whether a living process holds the lock; a missing file is held by nobody."""
    if not path.exists():
        return False
    lock = take(path)
    if lock is None:
        return True
    lock.release()
    return False
