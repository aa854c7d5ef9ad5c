"""Claims a second: processes that take queued runs from one store as fast as they can.

    python benchmarks/claims.py STORE [--runs 2000] [--processes 8]

STORE is the path of a new file or the URL of an empty PostgreSQL database. Each run must be claimed exactly once.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.engine.store import Store
from core.engine.tables import RUNS

ROW = {"kind": "run", "lane": "work", "name": "", "status": "queued", "config": "{}", "digest": "", "created": 0.0}


def opened(place: str) -> Store:
    return Store(place if "://" in place else Path(place))


def work(place: str) -> None:
    """Claim until there is nothing left; prints the ids, then the CPU seconds this took."""
    store = opened(place)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    while found := store.claim_next("work", pid=os.getpid(), born=0.0, hold=lambda run: True):
        print(found.id)
    print(time.process_time() - began)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.store)
    store = opened(options.store)
    queued = [ROW | {"id": f"run-{number:06}", "queued": float(number)} for number in range(options.runs)]
    store._db.change(lambda db: db.execute(insert(RUNS), queued))
    command = [sys.executable, __file__, options.store, "--worker"]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(options.processes)
    ]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate()[0].split() for worker in workers]
    seconds = time.perf_counter() - began
    claimed = Counter(run for lines in told for run in lines[:-1])
    once = claimed == Counter(row["id"] for row in queued)
    cpu = 1e3 * sum(float(lines[-1]) for lines in told) / options.runs
    numbers = {"claims": options.runs, "each once": once, "a second": round(options.runs / seconds), "CPU ms": cpu}
    print(json.dumps({"store": options.store.partition("://")[0], **numbers, "load": psutil.getloadavg()[0]}))
    store.close()


if __name__ == "__main__":
    main()
