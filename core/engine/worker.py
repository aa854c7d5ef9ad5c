"""A worker: takes queued runs one after another, with the slow imports done in advance.

    python -m core.engine.worker --home FOLDER --slot work-0 --kinds core.jobs.kinds

A slot is a place in the pool, `work-N` or `light-0`, held by a file lock, so that several servers on one
home share one pool. The worker ends when the process that started it is gone and nothing is queued, when
the pool has become smaller than its slot, and, in the light lane, after a while without work.
"""

import argparse
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

from core.engine import device, locks
from core.engine.database import NAME, Place
from core.engine.job import Kind
from core.engine.perform import claim_next, perform
from core.engine.process import HOST
from core.engine.store import Store
from core.errors import BallastError, ConfigError

MOST_PARALLEL = 256
POLL_S = 0.05  # seconds between two looks at the queue
FAR_POLL_S = 0.5  # the same where the queue is on a server that many workers ask
LIGHT_IDLE_S = 20.0  # seconds after which an idle light worker ends
TROUBLE_S = 1.0  # seconds to wait when the store cannot be used
SLOT_PATIENCE_S = 1.0  # a look at the slot from outside holds its lock for an instant
LOG = logging.getLogger("ballast")
IDLE = threading.Event()
IDLE.set()

Warm = Sequence[Callable[[], object]]


def store_place(home: Path) -> Place:
    """Where the store is: a file in the home, or what `BALLAST_STORE` names, a file or the URL of a server."""
    told = os.environ.get("BALLAST_STORE", "")
    return told if "://" in told else Path(told).resolve() if told else home / NAME


def slot_lock(home: Path, slot: str) -> Path:
    """What holds a slot: of the one pool of a home, or of this machine's where the store is a server's."""
    place = home / "workers"
    return (place if isinstance(store_place(home), Path) else place / HOST.replace(" ", "-")) / f"{slot}.lock"


def size(store: Store) -> int:
    """How many runs may work at the same time; one where what is stored makes no sense."""
    return int(store.number("parallel", 1, low=1, high=MOST_PARALLEL))


def parse(description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What a process of the pool is told: home, slot, kinds; its log and the stacks of a crash go to its output."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--slot", required=True)
    parser.add_argument("--kinds", required=True, help="the module with KINDS and WARM, such as core.jobs.kinds")
    options = parser.parse_args(arguments)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(__doc__, arguments)
    place = locks.take(slot_lock(options.home, options.slot), SLOT_PATIENCE_S)
    if place is None:
        return 0
    kinds, warm = load_kinds(options.kinds)
    try:
        store = Store(store_place(options.home))
    except BallastError as error:
        LOG.error("%s", error)
        place.release()
        return 1
    try:
        serve(store, options.home, options.slot, kinds, warm)
    finally:
        store.close()
        place.release()
    return 0


def load_kinds(module: str) -> tuple[Mapping[str, Kind], Warm]:
    """The table of kinds with what to load in advance, from the module of that name."""
    found = import_module(module)
    return found.KINDS, found.WARM


def serve(store: Store, home: Path, slot: str, kinds: Mapping[str, Kind], warm: Warm) -> None:
    """Take runs of the slot's lane until there is a reason to end."""
    lane, number = slot.split("-")
    idle = threading.Event()
    idle.set()
    orphaned, ready = when_input_ends(), _warm_up(store, warm if lane == "work" else (), idle)
    idle_since = time.monotonic()
    while True:
        try:
            parallel = size(store)
            if lane == "work" and int(number) >= parallel:
                return
            if _take_one(store, home, lane, kinds, ready, idle, parallel if lane == "work" else None):
                idle_since = time.monotonic()
                continue
        except BallastError as error:  # the store cannot be used at the moment
            LOG.warning("%s", error)
            time.sleep(TROUBLE_S)
        waited = time.monotonic() - idle_since
        if orphaned.is_set() or (lane == "light" and waited > LIGHT_IDLE_S):
            return
        time.sleep(POLL_S if store.local else FAR_POLL_S)


def _take_one(
    store: Store, home: Path, lane: str, kinds: Mapping[str, Kind], ready: threading.Event, idle: threading.Event,
    at_most: int | None,
) -> bool:  # fmt: skip
    """Do the first queued run that is free; whether there was one. `idle` is cleared meanwhile."""
    found = claim_next(store, home, lane, at_most=at_most) if store.waiting(lane) else None
    if found is None:
        return False
    claimed, lock = found
    idle.clear()
    try:
        perform(store, home, claimed, kinds, ready=ready)
    finally:
        idle.set()
        lock.release()
    return True


def when_input_ends() -> threading.Event:
    """An event that is set when the process that started this one closes our input, by ending for example."""
    ended = threading.Event()

    def listen() -> None:
        while os.read(0, 1024):
            pass
        ended.set()

    threading.Thread(target=listen, name="owner", daemon=True).start()
    return ended


def _warm_up(store: Store, warm: Warm, idle: threading.Event = IDLE) -> threading.Event:
    """Load libraries in a thread, so that a run that comes early is claimed at once.

    The event is set after the first step, when the device is known too; the others compile what a run can
    also compile by itself, and begin only while `idle` is set, so that they take no time from a run.
    """
    ready, over, telling = threading.Event(), threading.Event(), threading.Lock()

    def end() -> None:  # what is still being loaded then tells nobody
        with telling:
            over.set()

    def load() -> None:
        for number, step in enumerate(warm):
            if number:
                idle.wait()
            began = time.monotonic()
            try:
                step()
            except Exception:
                LOG.exception("warming up failed at %s; runs will say what is wrong", step)
            LOG.info("%s took %.1f s", getattr(step, "__name__", step), time.monotonic() - began)
            with telling:
                if not ready.is_set() and not over.is_set():
                    _announce(store)
            ready.set()

    if warm:
        store.on_close(end)
        threading.Thread(target=load, name="warm", daemon=True).start()
    else:
        ready.set()
    return ready


def _announce(store: Store) -> None:
    """Tell the pages what this machine works with."""
    try:
        store.set_setting("device", device.describe(device.choose()))
    except ConfigError as error:
        store.set_setting("device", str(error))
    except BallastError as error:
        LOG.warning("%s", error)


if __name__ == "__main__":
    sys.exit(main())
