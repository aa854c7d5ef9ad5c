"""One run done in this process: what is written however it ends, and that a request to stop is heard by the work.

The watch that ends a process is given a patience that never runs out here, so that only the work itself can stop.
"""

import threading
import time

import pytest

from core.engine import locks, watch
from core.engine.job import Kind
from core.engine.perform import claim, folder_of, perform
from core.engine.store import Store
from core.errors import ConfigError
from core.events import Progress

STEPS = 400


class Place:
    """A home with one queued run of a kind made up for the test."""

    def __init__(self, home, work, ready=None):
        self.home, self.store, self.events, self.ready = home, Store(home / "a.sqlite"), [], ready
        self.run = self.store.create("made-up", {"a": 1}, name="", digest="", lane="work")
        self.kinds = {"made-up": Kind(lane="work", perform=work, torch=False)}

    def do(self, on_event=lambda event: None):
        def listen(event):
            self.events.append(event)
            on_event(event)

        claimed, lock = claim(self.store, self.home, self.run)
        waiting = {} if self.ready is None else {"ready": self.ready}
        try:
            perform(self.store, self.home, claimed, self.kinds, on_event=listen, **waiting)
        finally:
            lock.release()
        return self.store.get(self.run)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "GRACE_S", 600.0)
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    made = []

    def make(work, **options):
        made.append(Place(tmp_path, work, **options))
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def counting(log):
    def work(config, job):
        try:
            for step in range(1, STEPS + 1):
                yield Progress(stage="train", done=step, total=STEPS)
                time.sleep(0.02)
            return {"a": config["a"]}
        finally:
            log.append("cleaned")

    return work


def test_the_work_itself_hears_the_request_between_two_events_and_cleans_up(place):
    log = []
    here = place(counting(log))
    record = here.do(lambda event: here.store.request_cancel(here.run) if event.done == 3 else None)
    assert (record.status, record.error, record.result) == ("cancelled", "", {})
    assert log == ["cleaned"] and 3 <= here.events[-1].done < STEPS


def test_a_request_for_the_best_so_far_reaches_the_work_and_ends_it_with_a_result(place):
    def work(config, job):
        for step in range(1, STEPS + 1):
            if job.finish():
                return {"best": step}
            yield Progress(stage="train", done=step, total=STEPS)
            time.sleep(0.02)
        return {"best": STEPS}

    here = place(work)
    record = here.do(lambda event: here.store.request_finish(here.run) if event.done == 3 else None)
    assert record.status == "done" and 3 <= record.result["best"] < STEPS


def test_an_attempt_that_begins_with_such_a_request_knows_it_from_the_start(place):
    def work(config, job):
        yield Progress(stage="train", values={"asked": float(job.finish())})
        return {}

    here = place(work)
    here.store.request_finish(here.run)
    here.do()
    assert here.events[-1].values == {"asked": 1.0}


def test_a_request_is_heard_while_libraries_are_loaded(place):
    log, ready = [], threading.Event()
    here = place(counting(log), ready=ready)
    enough = threading.Timer(20.0, ready.set)  # nobody waits for ever, should the request not be heard
    enough.start()
    record = here.do(lambda event: here.store.request_cancel(here.run))
    assert not ready.is_set()  # heard before the libraries were there, not between two events of the work
    enough.cancel()
    assert record.status == "cancelled" and log == []
    assert [event.note for event in here.events] == ["loading libraries"]


def test_what_a_run_returns_and_what_it_cost_is_written_once(place):
    def work(config, job):
        job.ledger.data_hash = "feed"
        job.ledger.seconds["train"] = 2.5
        yield Progress(stage="train", done=1, total=1, values={"loss": 0.25})
        return {"answer": config["a"] + 1}

    here = place(work)
    record = here.do()
    assert (record.status, record.data_hash, record.seconds["train"]) == ("done", "feed", 2.5)
    assert record.result["answer"] == 2 and not record.resumable and record.finished >= record.started
    assert [event.values for event in here.store.events(here.run)][-1] == {"loss": 0.25}
    assert "loss" in (folder_of(here.home, here.run) / "metrics.csv").read_text()
    assert not locks.held(folder_of(here.home, here.run) / locks.RUN_LOCK)


def test_a_failure_is_written_with_its_sentence_and_can_be_resumed_only_from_a_checkpoint(place):
    def work(config, job):
        (job.folder / "checkpoint-train.npz").write_bytes(b"state")
        yield Progress(stage="train", done=1, total=2)
        raise ConfigError("lower the learning rate")

    record = place(work).do()
    assert (record.status, record.error, record.resumable) == ("failed", "lower the learning rate", True)
    assert not place(failing).do().resumable


def failing(config, job):
    yield Progress(stage="load")
    raise ConfigError("no")


def test_a_run_that_somebody_works_on_is_not_claimed_again(place):
    here = place(counting([]))
    first = claim(here.store, here.home, here.run)
    assert first is not None and claim(here.store, here.home, here.run) is None
    first[1].release()
    assert claim(here.store, here.home, here.run) is None  # its lock is free, but it is running


@pytest.mark.parametrize("asked", [True, False])
def test_the_watch_ends_the_process_only_after_its_patience_and_only_when_asked(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(watch, "GRACE_S", 0.3)
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    store, ended = Store(tmp_path / "a.sqlite"), threading.Event()
    run = store.create("made-up", {}, name="", digest="", lane="work")
    store.claim(run, pid=1, born=0.0)
    with watch.Watch(store, run, tmp_path, end=lambda code: ended.set()) as listening:
        assert not listening.requested()
        if asked:
            store.request_cancel(run)
        assert ended.wait(30 if asked else 1.0) is asked and listening.requested() is asked
        assert store.get(run).status == ("cancelled" if asked else "running")
    store.close()


def test_the_watch_leaves_a_process_alone_whose_work_has_ended_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "GRACE_S", 600.0)
    monkeypatch.setattr(watch, "LOOK_S", 0.01)
    store, ended, heard = Store(tmp_path / "a.sqlite"), threading.Event(), threading.Event()
    run = store.create("made-up", {}, name="", digest="", lane="work")
    store.claim(run, pid=1, born=0.0)
    with watch.Watch(store, run, tmp_path, end=lambda code: ended.set()) as listening:
        store.request_cancel(run)
        while not listening.requested():
            heard.wait(0.01)
    assert not ended.is_set() and store.get(run).status == "running"  # whose end the work itself writes down
    store.close()


def test_a_second_attempt_adds_to_the_seconds_of_the_first(place):
    def work(config, job):
        before = job.ledger.seconds.get("train", 0.0)
        job.ledger.seconds["train"] = before + 2.0
        yield Progress(stage="train", done=1, total=1)
        if not before:
            raise ConfigError("the first time")
        return {}

    here = place(work)
    assert here.do().status == "failed"
    here.store.requeue(here.run, lane="work")
    record = here.do()
    assert record.status == "done" and record.seconds["train"] == 4.0
