"""Kill a run at every moment at which it changes what is on disk, go on with it, and compare with one nobody killed.

    OMP_NUM_THREADS=1 python benchmarks/crash.py [--fault kill full] [--points 240] [--seconds 280]

Each point is a home of its own: a process that is forked from this one does a tiny run and is killed at its Nth step (a
file about to be written, forced to the disk, moved, its folder forced; a transaction about to be made or just made);
another one settles the home, goes on with the run, and must end with the same bytes and numbers. With `--fault full`
the disk is full from that step on until the process ends by itself, and has room again for the other one.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from core.engine import inline, perform, recovery
from core.engine.failpoint import FAILPOINT, counted, full, killed
from core.engine.store import Store
from core.engine.worker import store_place
from core.jobs import keeping
from core.jobs.kinds import KINDS
from core.settings.run import RunConfig
from core.training import loop

SETTINGS: dict[str, Any] = {
    "data": {"name": "moons", "limit": 20},
    "method": {"name": "k-means", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 8, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 15}},
    "evaluation": {"images": 12, "attack_steps": 1, "curve_points": 2, "curve_images": 6, "live_images": 6},
}
CONFIG = RunConfig(**SETTINGS).to_json()
FAULTS = {"kill": killed, "full": full}
EXPECTED = {"kill": (-signal.SIGKILL,), "full": (0, 1)}  # how the first process ends: 1 is a sentence
SAME = ("condensed.npz", "members.npz", "map.npz", "last.safetensors", "best.safetensors")


def in_child(work: Callable[[], None]) -> int:
    """Do work in a forked process; 0, or the signal or exit code that ended it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def begin(home: Path) -> None:
    """Queue the run, or find it queued, or settle and queue it again, and do it to its end."""
    store = Store(store_place(home))
    recovery.settle(store, home)
    known = store.runs()
    if not known:
        run_id = store.create("run", CONFIG, name="crash", digest="", lane=inline.LANE)
    else:
        run_id = known[0].id
        if known[0].status == "done":
            return
        if known[0].status != "queued":
            store.requeue(run_id, lane=inline.LANE)
    inline.InlineExecutor(store, home, KINDS).submit(run_id)
    assert store.get(run_id).status == "done", store.get(run_id).error
    store.close()


def faulty(home: Path, step: int, fault: str) -> Callable[[], None]:
    def work() -> None:
        with FAILPOINT.armed(counted(FAULTS[fault], step, onwards=fault == "full")):
            begin(home)

    return work


def steps_of(home: Path) -> list[str]:
    """The steps of a run that nobody kills, in order."""
    home.mkdir()
    log = home / "steps"

    def work() -> None:
        with (
            log.open("a", buffering=1) as out,
            FAILPOINT.armed(lambda step, path: print(f"{step}: {path.name}", file=out)),
        ):
            begin(home)

    assert in_child(work) == 0, "the run does not end by itself"
    return log.read_text().splitlines()


def found(home: Path) -> tuple[dict[str, bytes], dict[str, int | float | str]]:
    """Files and numbers of the one run of a home."""
    store = Store(store_place(home))
    (record,) = store.runs(status=("done",))
    store.close()
    numbers = {k: v for k, v in record.result.items() if isinstance(v, int | float | str) and not k.startswith(NOT)}
    return {name: (home / "runs" / record.id / name).read_bytes() for name in SAME}, numbers


NOT = ("seconds", "out", "peak")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", choices=FAULTS, nargs="+", default=["kill"])
    parser.add_argument("--points", type=int, default=0, help="kills, evenly spread; 0 means one at every step")
    parser.add_argument("--seconds", type=float, default=280.0, help="CPU seconds after which no further kill is tried")
    options = parser.parse_args()
    perform.PAUSES = ()  # nobody makes room meanwhile
    keeping.SAVE_S = loop.CHECKPOINT_S = 0.0  # a checkpoint after every epoch
    place = Path(tempfile.mkdtemp(prefix="ballast-crash-"))
    try:
        (place / "warm").mkdir()
        begin(place / "warm")  # here, so that forked processes need not load and compile anything
        steps = steps_of(place / "whole")
        all_told = [
            tried(fault, place, steps, options.points or len(steps), options.seconds) for fault in options.fault
        ]
        print(json.dumps(all_told, indent=1))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(any(told["losses"] or not told["all"] for told in all_told))


def tried(fault: str, place: Path, steps: list[str], wanted: int, seconds: float) -> dict[str, Any]:
    """What became of runs with a fault at `wanted` of the steps; none is begun after so many CPU seconds."""
    whole, lost, kills, began = found(place / "whole"), list[str](), Counter[str](), time.monotonic()
    for point in sorted({1 + i * len(steps) // wanted for i in range(wanted)}):
        if sum(os.times()[:4]) > seconds:
            break
        home = place / f"at-{point}"
        code = in_child(faulty(home, point, fault))
        again = in_child(partial(begin, home))
        kills[steps[point - 1].split(":")[0]] += 1
        if code not in EXPECTED[fault] or again != 0 or found(home) != whole:
            lost.append(f"{point}, {steps[point - 1]}: ended with {code}, then {again}")
        shutil.rmtree(home, ignore_errors=True)
    told = {"steps of the run": len(steps), "fault": fault, "at": dict(kills), "all": sum(kills.values())}
    told |= {"losses": len(lost), "lost": lost[:8], "CPU s": round(sum(os.times()[:4]))}
    return told | {"wall s": round(time.monotonic() - began)}


if __name__ == "__main__":
    main()
