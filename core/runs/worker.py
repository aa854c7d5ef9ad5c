"""A worker: takes queued runs one after another, with the slow imports done in advance.

    python -m core.runs.worker --home FOLDER --slot work-0

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
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from core.errors import ConfigError
from core.runs import device, locks
from core.runs.job import Kind
from core.runs.perform import claim, perform
from core.runs.store import Store

POLL_S = 0.05  # seconds between two looks at the queue
LIGHT_IDLE_S = 20.0  # seconds after which an idle light worker ends
SLOT_PATIENCE_S = 1.0  # a look at the slot from outside holds its lock for an instant
LOG = logging.getLogger("ballast")

Warm = Sequence[Callable[[], object]]


def store_path(home: Path) -> Path:
    return home / "ballast.sqlite"


def slot_lock(home: Path, slot: str) -> Path:
    return home / "workers" / f"{slot}.lock"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--slot", required=True)
    parser.add_argument("--kinds", type=Path, help="a Python file with KINDS and WARM to use instead of the real ones")
    options = parser.parse_args(arguments)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    place = locks.take(slot_lock(options.home, options.slot), SLOT_PATIENCE_S)
    if place is None:
        return 0
    kinds, warm = load_kinds(options.kinds)
    store = Store(store_path(options.home))
    try:
        serve(store, options.home, options.slot, kinds, warm)
    finally:
        store.close()
        place.release()
    return 0


def load_kinds(path: Path | None) -> tuple[Mapping[str, Kind], Warm]:
    """The table of kinds with what to load in advance: the real one, or that of a given file."""
    if path is None:
        from core.runs import kinds

        return kinds.KINDS, kinds.WARM
    spec = spec_from_file_location("kinds_from_file", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KINDS, module.WARM


def serve(store: Store, home: Path, slot: str, kinds: Mapping[str, Kind], warm: Warm) -> None:
    """Take runs of the slot's lane until there is a reason to end."""
    lane, number = slot.split("-")
    orphaned, ready = _when_input_ends(), _warm_up(store, warm if lane == "work" else ())
    idle_since = time.monotonic()
    while True:
        parallel = int(store.setting("parallel", "1"))
        if lane == "work" and int(number) >= parallel:
            return
        if _take_one(store, home, lane, kinds, ready, parallel if lane == "work" else None):
            idle_since = time.monotonic()
            continue
        idle = time.monotonic() - idle_since
        if orphaned.is_set() or (lane == "light" and idle > LIGHT_IDLE_S):
            return
        time.sleep(POLL_S)


def _take_one(
    store: Store, home: Path, lane: str, kinds: Mapping[str, Kind], ready: threading.Event, at_most: int | None
) -> bool:
    """Do the first queued run that is free; whether there was one."""
    for run_id in store.waiting(lane):
        found = claim(store, home, run_id, at_most=at_most)
        if found is not None:
            claimed, lock = found
            try:
                perform(store, home, claimed, kinds, ready=ready)
            finally:
                lock.release()
            return True
    return False


def _when_input_ends() -> threading.Event:
    """An event that is set when the process that started this one closes our input, by ending for example."""
    ended = threading.Event()

    def listen() -> None:
        while os.read(0, 1024):
            pass
        ended.set()

    threading.Thread(target=listen, name="owner", daemon=True).start()
    return ended


def _warm_up(store: Store, warm: Warm) -> threading.Event:
    """Load libraries in a thread, so that a run that comes early is claimed at once.

    The event is set after the first step, when the device is known too; the others compile what a run can
    also compile by itself.
    """
    ready = threading.Event()

    def load() -> None:
        for step in warm:
            began = time.monotonic()
            try:
                step()
            except Exception:
                LOG.exception("warming up failed at %s; runs will say what is wrong", step)
            LOG.info("%s took %.1f s", getattr(step, "__name__", step), time.monotonic() - began)
            if not ready.is_set():
                _announce(store)
            ready.set()

    if warm:
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


if __name__ == "__main__":
    sys.exit(main())
