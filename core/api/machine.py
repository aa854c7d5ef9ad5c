"""This machine: its device, its pool of workers."""

from contextlib import suppress

from core.api import visitors
from core.api.workplace import executor, home, store
from core.engine import recovery, silence
from core.engine.executor import check_parallel
from core.engine.worker import size
from core.errors import ResourceError, RunError
from core.types import plugins

LEAST_PATIENCE = 20.0  # seconds


def device() -> str:
    """The device that workers use, in words, or "starting" until the first worker has said so."""
    return store().setting("device", "starting")


def parallel() -> int:
    """How many runs may work at the same time."""
    return size(store())


def set_parallel(count: int) -> None:
    """Change how many runs may work at the same time; RunError outside 1..number of cores."""
    visitors.refuse_guests("change how many runs work at the same time")
    store().set_setting("parallel", str(check_parallel(count)))
    ensure_workers()


def ensure_workers() -> None:
    """Bring the pool of workers to its size, and mark runs of dead workers interrupted. Cheap.

    raises  BallastError only where the home cannot be used at all; what passes is in `trouble`
    """
    opened = store()
    with suppress(ResourceError):  # the pool meets it too, says so and tries again
        recovery.settle(opened, home())
    executor().ensure()


def trouble() -> str:
    """What keeps the workers from their work at the moment, and for the owner what is wrong with plugins, or ""."""
    own = plugins.trouble() if visitors.current().role == "owner" else ""
    return " ".join(filter(None, (executor().trouble, own)))


def patience() -> float:
    """Seconds without a sign of life after which a run is killed and queued again by itself; 0 means never."""
    return silence.patience(store())


def set_patience(seconds: float) -> None:
    """Change that; RunError below zero or where it is so short that a busy machine would kill good runs."""
    visitors.refuse_guests("change when silent runs are killed")
    if seconds and not LEAST_PATIENCE <= seconds <= 1e6:
        raise RunError(f"the patience must be 0 (never) or at least {LEAST_PATIENCE:g} seconds, got {seconds:g}")
    store().set_setting(silence.PATIENCE[0], f"{seconds:g}")
