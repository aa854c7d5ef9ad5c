"""A run has one worker at a time: whose claim was given to another one stops, and nothing of it is written."""

import threading

import pytest

from core.engine import perform, watch
from core.engine.job import Kind
from core.engine.perform import claim
from core.errors import Cancelled
from core.events import Progress


def queue(store):
    return store.create("made-up", {}, name="", digest="", lane="work")


def taken_over(store, run):
    """Give a running run to another worker, as is done when the lease of its own has ended."""
    store.finish(run, "interrupted")
    store.requeue(run, lane="work")
    return store.claim(run, pid=2, born=0.0)


def test_a_claim_that_lost_its_run_writes_nothing_more(store):
    run = queue(store)
    first = store.claim(run, pid=1, born=0.0)
    second = taken_over(store, run)
    assert not store.beat(run, first.token) and store.beat(run, second.token)
    with pytest.raises(Cancelled, match="another worker"):
        store.append(run, [Progress(stage="load")], first.token)
    store.note(run, token=first.token, data_hash="old")
    assert not store.finish(run, "done", token=first.token, result={"by": 1})
    store.append(run, [Progress(stage="load")], second.token)
    assert store.finish(run, "done", token=second.token, result={"by": 2})
    record = store.get(run)
    assert (record.result, record.data_hash, record.attempt) == ({"by": 2}, "", 2) and len(store.events(run)) == 1


def test_work_that_tells_nothing_hears_that_its_run_was_given_to_another_worker(tmp_path, store, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    run = queue(store)
    first, lock = claim(store, tmp_path, run)
    with watch.Watch(store, run, tmp_path, first.token) as seen:
        assert not seen.requested()
        taken_over(store, run)
        assert seen._requested.wait(20)
    lock.release()


def test_work_whose_run_was_given_to_another_worker_stops_and_says_nothing(tmp_path, store, monkeypatch):
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    run, begun, stopped = queue(store), threading.Event(), []

    def work(config, job):
        try:
            while True:
                begun.set()
                yield Progress(stage="train")
        finally:
            stopped.append(True)

    first, lock = claim(store, tmp_path, run)
    kinds = {"made-up": Kind(lane="work", perform=work, torch=False)}
    thread = threading.Thread(target=perform.perform, args=(store, tmp_path, first, kinds))
    thread.start()
    begun.wait(60)
    second = taken_over(store, run)
    thread.join(60)
    lock.release()
    assert stopped == [True] and store.get(run).status == "running" and store.owner(run).token == second.token
