"""Where everything lives: the home folder, its store, and the executor that works on its runs.

Beside the user's home there is a second one that is only read: the examples that ship with the project. What a run left
is looked for in the one that its id belongs to; work is always done in the user's.
"""

import os
import threading
from functools import cache
from pathlib import Path

from core.engine import recovery, thinning
from core.engine.executor import ROOT, LocalExecutor
from core.engine.perform import folder_of
from core.engine.ray import RayExecutor
from core.engine.shelf import Shelf
from core.engine.store import Store
from core.engine.worker import store_place
from core.errors import ConfigError
from core.settings import history

KINDS = "core.jobs.kinds"  # the module that tells a worker what each kind of run does
EXAMPLES = ROOT / "assets" / "examples"
PREFIX = "example-"  # of the ids of examples
EXECUTOR = "BALLAST_EXECUTOR"
EXECUTORS: dict[str, type[LocalExecutor]] = {"local": LocalExecutor, "ray": RayExecutor}
_LOCK = threading.Lock()
_OPEN: dict[Path, tuple[Store, LocalExecutor]] = {}


def home(run_id: str = "") -> Path:
    """The folder that holds data/, runs/, cache/ and the store: $BALLAST_HOME, or the project's root.

    run_id  of an example: the folder of the examples
    raises  ConfigError for a URL, which would else become a folder of that name
    """
    if run_id.startswith(PREFIX):
        return EXAMPLES
    told = os.environ.get("BALLAST_HOME") or str(ROOT)
    if "://" in told:
        raise ConfigError(
            f"BALLAST_HOME must be a folder, got {told[:80]!r}: a home cannot lie in an object store; name a folder "
            f"that all machines share, and a database in BALLAST_STORE"
        )
    return _resolved(Path(told).absolute())


@cache  # a page asks dozens of times, and each answer would look at every folder on the way
def _resolved(path: Path) -> Path:
    return path.resolve()


def store(run_id: str = "") -> Store:
    """The store of the present home, opened once per process; that of the examples for the id of one."""
    return _shelf(EXAMPLES) if run_id.startswith(PREFIX) else _opened()[0]


def executor() -> LocalExecutor:
    """The executor of the present home, made once per process."""
    return _opened()[1]


def close() -> None:
    """Let go of the present home: end what its executor does in this process, then close its store.

    Whoever asks for either again has it opened anew.
    """
    with _LOCK:
        found = _OPEN.pop(home(), None)
    if found is not None:
        found[0].close()


def _opened() -> tuple[Store, LocalExecutor]:
    folder = home()
    with _LOCK:
        if folder not in _OPEN:
            made, opened = _chosen(), Store(store_place(folder))
            try:
                _heal(opened)
                _thin(opened, folder)
                _OPEN[folder] = opened, made(opened, folder, KINDS)
            except BaseException:
                opened.close()
                raise
        return _OPEN[folder]


def _chosen() -> type[LocalExecutor]:
    """Where runs are done: on this machine, or what `BALLAST_EXECUTOR` names.

    raises  ConfigError for a name that is none
    """
    told = os.environ.get(EXECUTOR) or "local"
    if told not in EXECUTORS:
        raise ConfigError(f"{EXECUTOR} must be one of {', '.join(EXECUTORS)}, got {told[:40]!r}: correct or unset it")
    return EXECUTORS[told]


def _thin(opened: Store, folder: Path) -> None:
    """Thin the events of runs of a version that kept every one."""
    for run_id in opened.crowded(4 * thinning.KEEP):
        if not recovery.alive(opened, folder, run_id):
            thinning.thin(opened, folder_of(folder, run_id), run_id)


@cache
def _shelf(folder: Path) -> Store:
    opened = Shelf(folder)
    _heal(opened)
    return opened


def _heal(opened: Store) -> None:
    """Let runs of earlier versions be found by what equal runs are known by today."""
    stamp = history.stamp()
    if opened.setting("identity") == stamp:
        return
    for record in opened.runs():
        found = history.healed(record)
        if found != (record.digest, record.basis, record.parent):
            opened.identify(record.id, *found)
    opened.set_setting("identity", stamp)
