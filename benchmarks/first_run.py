"""What the first example costs: CPU seconds of the worker from the click to finished accuracies, and by stage.

    python benchmarks/first_run.py [--warm] [--compiled] [--training warm-start]

Each call starts a worker of its own in an empty home and hands it the Lab's first run: digits, a covering with 10 per
class, small CNN, Linf ε 0.1, PGD-100 evaluation. Without `--warm` the run is there before the worker has loaded
anything; with it the worker has loaded and compiled first, as that of a page that was read for a moment. Without
`--compiled` nothing compiled is on disk, as after an installation; with it the cache of this project is used.
Takes 15 to 60 CPU seconds. Load is the mean number of running processes of the last minute, before and after.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SETTINGS = {
    "data": {"name": "digits"},
    "method": {"name": "mfc", "options": {"norm": "Linf"}},
    "network": {"name": "small-cnn"},
    "evaluation": {"eps": 0.1, "attack_steps": 100, "curve_end": 0.35},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", action="store_true", help="the worker has loaded everything before the click")
    parser.add_argument("--compiled", action="store_true", help="compiled code of earlier processes is on disk")
    parser.add_argument("--training", default="", help="way of training; empty takes the page's own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"BALLAST_HOME": folder, "BALLAST_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "ballast-pycache")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as for users: Python's own compiled files are kept
        if not options.compiled:
            os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "compiled")
        print(json.dumps(measure(options.warm, options.training), indent=2))


def measure(warm: bool, training: str) -> dict[str, object]:
    """Do the run and tell what it took."""
    from core import api
    from core.api import workplace
    from core.ui.lab.setup import START

    name = training or START["training"]
    own = {"eps": 0.1, "norm": "Linf"} if name != "standard" else {}
    config = SETTINGS | {"training": {"name": name, "options": own}}
    load, began = os.getloadavg()[0], time.monotonic()
    run_id = None if warm else api.submit(config)
    api.ensure_workers()
    worker = started()
    before = 0.0
    if warm:
        until_warm(Path(os.environ["BALLAST_HOME"]) / "workers" / "work-0.log")
        before, began = spent(worker), time.monotonic()
        run_id = api.submit(config)
    assert run_id is not None
    judged: dict[str, float] = {}
    while (record := api.get(run_id)).status in ("queued", "running"):
        seen = api.events(run_id)
        if "cpu" not in judged and any("curve_acc" in e.values and e.done == e.total for e in seen):
            judged = {"cpu": spent(worker) - before, "wall": time.monotonic() - began}
        time.sleep(0.05)
    found = {
        "training": name, "worker": "warm" if warm else "cold", "status": record.status, "error": record.error,
        "cpu_s": round(spent(worker) - before, 1), "wall_s": round(time.monotonic() - began, 1),
        "cpu_s_until_accuracies": round(judged.get("cpu", 0.0), 1),
        "seconds": {stage: round(value, 1) for stage, value in record.seconds.items()},
        "clean": record.result.get("clean_acc"), "robust": record.result.get("robust_acc"),
        "curve": [row["value"] for row in record.result.get("curve", [])],
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip
    workplace.executor().close()
    return found


def started() -> psutil.Process:
    """The worker process, once it is there."""
    while True:
        for child in psutil.Process().children():
            if "core.engine.worker" in child.cmdline():
                return child
        time.sleep(0.01)


def spent(worker: psutil.Process) -> float:
    """CPU seconds of all threads of the worker so far."""
    times = worker.cpu_times()
    return float(times.user + times.system)


def until_warm(log: Path) -> None:
    """Wait until the worker says that its last warming step is done."""
    from core.jobs.kinds import WARM

    while not log.exists() or log.read_text().count(" took ") < len(WARM):
        time.sleep(0.1)


if __name__ == "__main__":
    main()
