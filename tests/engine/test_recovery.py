"""Runs whose worker is gone: what is said of them, and that runs with a living worker are left alone."""

from core.engine import locks, writing
from core.engine.perform import folder_of
from core.engine.recovery import RETRIES, settle, settle_one
from core.events import Progress


def running(store, home):
    """A run that is said to be running, by a worker that holds no lock."""
    run = store.create("made-up", {}, name="", digest="", lane="work")
    store.claim(run, pid=1, born=0.0)
    folder_of(home, run).mkdir(parents=True)
    return run


def test_a_run_whose_worker_died_is_cancelled_where_that_was_asked_for_and_interrupted_elsewhere(store, tmp_path):
    asked, other = (running(store, tmp_path) for _ in range(2))
    store.request_cancel(asked)
    store.append(other, [Progress(stage="train", done=3, total=9, unit="epochs")])
    settle(store, tmp_path)
    assert (store.get(asked).status, store.get(asked).error) == ("cancelled", "")
    record = store.get(other)
    assert record.status == "interrupted" and not record.resumable
    assert record.error == "the worker process ended unexpectedly at train 3 of 9 epochs: run it again"


def test_what_a_checkpoint_allows_is_said(store, tmp_path):
    run = running(store, tmp_path)
    folder = folder_of(tmp_path, run)
    writing.save_bytes(folder / "checkpoint-train.npz", b"state")
    (folder / f".half.npz.1{writing.TEMPORARY}").write_bytes(b"half")
    settle_one(store, tmp_path, run)
    record = store.get(run)
    assert record.resumable and record.error.endswith("before its first event: resume it from its checkpoint")
    assert {path.name for path in folder.iterdir()} == {"checkpoint-train.npz", locks.RUN_LOCK}


def test_a_run_that_is_worked_on_is_left_alone(store, tmp_path):
    run = running(store, tmp_path)
    lock = locks.take(folder_of(tmp_path, run) / locks.RUN_LOCK)
    settle(store, tmp_path)
    assert store.get(run).status == "running"
    lock.release()
    settle(store, tmp_path)
    settle(store, tmp_path)  # twice is once
    assert store.get(run).status == "interrupted"


def test_a_run_of_a_pool_begins_again_as_often_as_is_allowed_and_one_of_a_shell_never(store, tmp_path):
    store.set_setting(RETRIES, "1")
    run, shell = running(store, tmp_path), store.create("made-up", {}, name="", digest="", lane="here")
    store.claim(shell, pid=1, born=0.0)
    store.append(run, [Progress(stage="train", done=3, total=9, unit="epochs")])
    settle(store, tmp_path)
    again = store.get(run)
    assert (again.status, again.attempt, store.get(shell).status) == ("queued", 1, "interrupted")
    assert again.notes == ("the worker process ended unexpectedly at train 3 of 9 epochs: begun again",)
    store.claim(run, pid=1, born=0.0)
    settle(store, tmp_path)
    assert (store.get(run).status, store.get(run).attempt) == ("interrupted", 2) and store.get(run).notes == again.notes
    store.requeue(run, lane="work")  # somebody asks: it may fall once more
    store.claim(run, pid=1, born=0.0)
    settle(store, tmp_path)
    assert store.get(run).status == "queued"
