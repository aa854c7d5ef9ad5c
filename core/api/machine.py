"""This machine: its device, its pool of workers."""

from core.api.place import executor, home, store
from core.runs import recovery
from core.runs.executor import LocalExecutor, check_parallel


def device() -> str:
    """The device that workers use, in words, or "starting" until the first worker has said so."""
    return store().setting("device", "starting")


def parallel() -> int:
    """How many runs may work at the same time."""
    return int(store().setting("parallel", "1"))


def set_parallel(count: int) -> None:
    """Change how many runs may work at the same time; RunError outside 1..number of cores."""
    store().set_setting("parallel", str(check_parallel(count)))
    ensure_workers()


def ensure_workers() -> None:
    """Bring the pool of workers to its size, and mark runs of dead workers interrupted. Cheap."""
    recovery.settle(store(), home())
    place = executor()
    if isinstance(place, LocalExecutor):
        place.ensure()
