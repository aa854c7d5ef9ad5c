"""Kinds of runs that do nothing but behave: given to workers by their name, never registered in the product."""

import os
import time

import numpy as np

from core.engine import artifacts, writing
from core.engine.job import Kind
from core.errors import DataError
from core.events import Progress


def count(config, job):
    """Count to `steps`, with a checkpoint at every step; `start` says where this attempt began."""
    path = job.folder / "checkpoint-count.npz"
    start = int(artifacts.load_arrays(path)["done"]) if path.exists() else 0
    job.ledger.data_hash = "feed"
    for done in range(start + 1, config["steps"] + 1):
        time.sleep(config.get("pause", 0.0))
        artifacts.save_arrays(path, {"done": np.array(done)})
        yield Progress(stage="condense", done=done, total=config["steps"], values={"half": done / 2})
    return {"start": start, "pid": os.getpid()}


def stuck(config, job):
    """Start writing a file, then stay in one long C call that lets other threads run."""
    yield Progress(stage="train", done=1, total=2)
    with writing.replacing(job.folder / "condensed.npz") as temporary:
        temporary.write_bytes(b"half")
        time.sleep(60)
    return {}


def deaf(config, job):
    """Stay in one long C call that never lets another thread run."""
    yield Progress(stage="train", done=1, total=2)
    sum(range(10**12))
    return {}


def fail(config, job):
    yield Progress(stage="load")
    if config["how"] == "data":
        raise DataError("the image cat.png is damaged: replace it")
    if config["how"] == "nan":
        yield Progress(stage="train", done=3, total=9, unit="epochs", values={"loss": float("nan")})
    raise ZeroDivisionError("secret detail")


KINDS = {
    "count": Kind(lane="work", perform=count, torch=False),
    "stuck": Kind(lane="work", perform=stuck, torch=False),
    "deaf": Kind(lane="work", perform=deaf, torch=False),
    "fail": Kind(lane="work", perform=fail, torch=False),
    "data": Kind(lane="light", perform=count, torch=False),
}
WARM = ()
