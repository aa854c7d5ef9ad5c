"""A process that may really open no more files: its run fails in a sentence, nothing is moved, and it goes on later."""

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest

from core.engine import artifacts
from core.engine.inline import LANE, InlineExecutor
from core.engine.job import Kind
from core.engine.store import Store
from core.events import Progress

resource = pytest.importorskip("resource", reason="this system has no limits of that kind")


def count(config, job):
    """Count to 20 with a checkpoint at every step, from where an earlier attempt was."""
    path = job.folder / "checkpoint-count.npz"
    kept = job.kept(path, artifacts.load_arrays)
    start = int(kept["done"]) if kept else 0
    for done in range(start + 1, 21):
        artifacts.save_arrays(path, {"done": np.array(done)})
        yield Progress(stage="train", done=done, total=20, values={"clean_acc": done / 20})
    return {"start": start}


@contextlib.contextmanager
def crowded():
    """Let this process open nothing more while the block lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the number that the next file would get
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_run_without_descriptors_fails_in_a_sentence_and_goes_on_when_there_are_some(tmp_path: Path):
    store, limits = Store(tmp_path / "ballast.sqlite"), contextlib.ExitStack()
    kinds = {"count": Kind(lane="work", perform=count, torch=False)}
    run = store.create("count", {}, name="", digest="", lane=LANE)

    def listen(event: Progress) -> None:
        if event.done == 5:
            limits.enter_context(crowded())

    with limits:
        InlineExecutor(store, tmp_path, kinds, listen).submit(run)
    record = store.get(run)
    assert record.status == "failed" and "no more open files" in record.error and record.resumable
    assert {path.name for path in (tmp_path / "runs" / run).glob("*.npz*")} == {"checkpoint-count.npz"}
    store.requeue(run, lane=LANE)
    InlineExecutor(store, tmp_path, kinds).submit(run)
    assert store.get(run).status == "done" and store.get(run).result["start"] == 5 and store.get(run).notes == ()
    assert [event.done for event in store.events(run) if event.done] == list(range(1, 21))
    store.close()
