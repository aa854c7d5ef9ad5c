"""Where everything lives: the home folder, its store, and the executor that works on its runs."""

import os
import threading
from functools import cache
from pathlib import Path

from core.runs.executor import ROOT, Executor, LocalExecutor
from core.runs.store import Store
from core.runs.worker import store_path

_LOCK = threading.Lock()


def home() -> Path:
    """The folder that holds data/, runs/, cache/ and the store: $BALLAST_HOME, or the project's root."""
    return Path(os.environ.get("BALLAST_HOME") or ROOT).resolve()


def store() -> Store:
    """The store of the present home, opened once per process."""
    with _LOCK:
        return _store(home())


def executor() -> Executor:
    """The executor of the present home, made once per process."""
    opened = store()
    with _LOCK:
        return _executor(home(), opened)


@cache
def _store(folder: Path) -> Store:
    return Store(store_path(folder))


@cache
def _executor(folder: Path, opened: Store) -> LocalExecutor:
    return LocalExecutor(opened, folder)
