"""Workers as processes: what is promised when they finish, fail, are cancelled, or are killed."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core.engine import executor, locks, worker
from core.engine.executor import LocalExecutor, check_parallel
from core.engine.perform import RECORD, folder_of
from core.engine.recovery import settle
from core.engine.store import Store
from core.engine.worker import slot_lock, store_place
from core.errors import RunError
from core.types import ENDED

ROOT = Path(__file__).resolve().parents[2]
KINDS = "fake_kinds"  # beside this file
PATIENCE = 400  # seconds until a promise counts as broken on a crowded machine that compiles everything first


def until(condition):
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return found


class Pool:
    """A home with its store and an executor of fake kinds."""

    def __init__(self, home):
        self.home, self.store = home, Store(store_place(home))
        self.executor = LocalExecutor(self.store, home, KINDS)

    def submit(self, kind, **config):
        lane = "light" if kind == "data" else "work"
        run = self.store.create(kind, config, name=kind, digest="", lane=lane)
        self.executor.submit(run)
        return run

    def ended(self, run):
        return until(lambda: (record := self.store.get(run)).status in ENDED and record)

    def reached(self, run, done):
        return until(lambda: any(e.done >= done for e in self.store.events(run)))

    def files(self, run):
        return {path.name for path in folder_of(self.home, run).iterdir()} - {locks.RUN_LOCK, RECORD, "worker.log"}

    def close(self):
        self.executor.close()
        self.store.close()


@pytest.fixture
def pool(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where workers find the fake kinds
    made = Pool(tmp_path)
    yield made
    made.close()


def test_runs_of_both_lanes_are_done_one_after_another(pool):
    first, second, data = (pool.submit(kind, steps=3) for kind in ("count", "count", "data"))
    records = [pool.ended(run) for run in (first, second, data)]
    assert [r.status for r in records] == ["done"] * 3 and all(r.peak_rss_mb > 1 for r in records)
    assert records[0].result["pid"] == records[1].result["pid"] != records[2].result["pid"]
    assert records[0].started <= records[0].finished <= records[1].started
    assert records[0].data_hash == "feed" and "python" in records[0].versions and records[0].device == ""
    assert [e.done for e in pool.store.events(first)][-1] == 3
    assert (folder_of(pool.home, first) / "metrics.csv").read_text().startswith("seq,time,stage")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("data", "the image cat.png is damaged: replace it"),
        ("nan", "loss became nan while train was at 3 of 9 epochs: lower the learning rate or raise the ridge"),
        ("bug", "unexpected error: ZeroDivisionError: secret detail; see worker.log"),
    ],
)
def test_a_failure_is_one_sentence_and_the_worker_goes_on(pool, how, message):
    run, following = pool.submit("fail", how=how), pool.submit("count", steps=1)
    record = pool.ended(run)
    assert (record.status, record.error) == ("failed", message)
    log = (folder_of(pool.home, run) / "worker.log").read_text()
    assert ("Traceback" in log) == (how == "bug")
    assert pool.ended(following).status == "done"


@pytest.mark.parametrize("kind", ["count", "stuck", "deaf"])
def test_cancel_stops_work_between_events_in_a_call_and_in_a_call_that_never_lets_go(pool, kind):
    run = pool.submit(kind, steps=1000, pause=0.05)
    pool.reached(run, 1)
    pool.executor.cancel(run)
    record = pool.ended(run)
    assert (record.status, record.error) == ("cancelled", "")
    until(lambda: not pool.executor.alive(run))
    assert pool.files(run) == ({"checkpoint-count.npz"} if kind == "count" else set())
    assert record.resumable == (kind == "count")
    assert pool.ended(pool.submit("count", steps=1)).status == "done"  # by the same or a new worker


def test_a_queued_run_is_cancelled_before_it_begins(pool):
    working = pool.submit("count", steps=1000, pause=0.05)
    waiting = pool.submit("count", steps=1)
    pool.reached(working, 1)
    pool.executor.cancel(waiting)
    assert pool.store.get(waiting).status == "cancelled" and pool.store.events(waiting) == []
    pool.executor.cancel(working)
    pool.ended(working)


def test_a_killed_worker_leaves_an_interrupted_run_that_resumes_from_its_checkpoint(pool):
    run = pool.submit("count", steps=40, pause=0.05)
    pool.reached(run, 5)
    psutil.Process(pool.store.owner(run).pid).kill()
    record = pool.ended(run)
    assert record.status == "interrupted" and record.resumable
    assert record.error.startswith("the worker process ended unexpectedly at condense ")
    before = pool.store.events(run)
    pool.store.requeue(run, lane="work")
    record = pool.ended(run)
    assert record.status == "done" and record.result["start"] >= 5
    events = pool.store.events(run)
    assert events[: len(before)] == before and [e.seq for e in events] == list(range(1, len(events) + 1))


def test_two_runs_work_at_the_same_time_when_two_may(pool):
    pool.store.set_setting("parallel", "2")
    runs = [pool.submit("count", steps=1000, pause=0.05) for _ in range(3)]
    until(lambda: [pool.store.get(run).status for run in runs].count("running") == 2)
    pool.reached(runs[0], 2)
    pool.reached(runs[1], 2)
    assert pool.store.get(runs[2]).status == "queued"
    for run in reversed(runs):
        pool.executor.cancel(run)
        pool.ended(run)


def test_a_smaller_pool_sends_idle_workers_home(pool):
    pool.store.set_setting("parallel", "2")
    pool.executor.ensure()
    second = slot_lock(pool.home, "work-1")
    until(lambda: locks.held(second))
    pool.store.set_setting("parallel", "1")
    until(lambda: not locks.held(second))
    until(lambda: locks.held(slot_lock(pool.home, "work-0")))


SERVER = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from core.engine.executor import LocalExecutor
from core.engine.store import Store
from core.engine.worker import store_place
home = Path(sys.argv[1])
store = Store(store_place(home))
executor = LocalExecutor(store, home, {KINDS!r})
for steps in map(int, sys.argv[2:]):
    run = store.create("count", {{"steps": steps, "pause": 0.05}}, name="", digest="", lane="work")
    executor.submit(run)
    print(run, flush=True)
time.sleep(600)
"""


def test_runs_outlive_the_server_and_the_worker_goes_when_nothing_is_left(pool):
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(pool.home), "30", "2"], stdout=subprocess.PIPE, text=True
    )
    runs = [server.stdout.readline().strip() for _ in range(2)]
    pool.reached(runs[0], 2)
    worker = psutil.Process(pool.store.owner(runs[0]).pid)
    server.kill()
    server.communicate()
    settle(pool.store, pool.home)  # what a new server does first
    assert [pool.ended(run).status for run in runs] == ["done", "done"]
    assert {pool.store.get(run).result["pid"] for run in runs} == {worker.pid}
    until(lambda: not locks.held(slot_lock(pool.home, "work-0")))
    assert pool.ended(pool.submit("count", steps=1)).result["pid"] != worker.pid  # a new server, a new worker


def test_two_servers_share_one_pool(pool):
    other = Pool(pool.home)
    try:
        pool.executor.ensure()
        until(lambda: locks.held(slot_lock(pool.home, "work-0")))
        other.executor.ensure()
        found = [p.ended(p.submit("count", steps=1)).result["pid"] for p in (pool, other, pool)]
        assert len(set(found)) == 1
    finally:
        other.close()


def test_a_worker_that_ends_while_it_loads_tells_a_closed_store_nothing(tmp_path, monkeypatch, complaints):
    store, go, told = Store(store_place(tmp_path)), threading.Event(), []
    monkeypatch.setattr(worker, "_announce", told.append)
    ready = worker._warm_up(store, [lambda: go.wait(PATIENCE)])
    store.close()
    go.set()
    until(lambda: "warm" not in {thread.name for thread in threading.enumerate()})
    assert complaints == [] and told == [] and ready.is_set()


@pytest.fixture
def complaints(monkeypatch):
    """Errors of threads, which nobody else hears."""
    heard = []
    monkeypatch.setattr(threading, "excepthook", lambda told: heard.append(told.exc_value))
    return heard


def test_no_thread_of_an_executor_uses_a_store_that_is_closed(tmp_path, monkeypatch, complaints):
    monkeypatch.setattr(executor, "KEEP_S", 0.0)
    monkeypatch.setattr(executor, "LAST_RESORT_S", 0.2)
    before = set(threading.enumerate())
    for turn in range(5):
        store = Store(store_place(tmp_path / str(turn)))
        store.set_setting("parallel", "0")  # no worker is needed here
        pool = LocalExecutor(store, tmp_path / str(turn), KINDS)
        pool.ensure()
        run = store.create("data", {}, name="", digest="", lane="here")
        store.claim(run, pid=1, born=0.0)
        pool.cancel(run)
        began = set(threading.enumerate()) - before
        store.close()
        assert "pool" in {thread.name for thread in began}
        assert not any(thread.is_alive() for thread in began) and complaints == []


def test_a_closed_executor_begins_no_thread(tmp_path, complaints):
    store = Store(store_place(tmp_path))
    store.set_setting("parallel", "0")
    pool = LocalExecutor(store, tmp_path, KINDS)
    pool.close()
    before = set(threading.enumerate())
    run = store.create("data", {}, name="", digest="", lane="here")
    store.claim(run, pid=1, born=0.0)
    pool.ensure()
    pool.cancel(run)
    assert set(threading.enumerate()) <= before
    store.close()
    pool.close()  # once more changes nothing


def test_the_size_of_the_pool_is_what_the_machine_can_mean():
    assert check_parallel(1) == 1
    for wrong in (0, -1, 10_000):
        with pytest.raises(RunError, match=f"got {wrong}"):
            check_parallel(wrong)


def test_warming_up_takes_no_time_from_a_run(tmp_path: Path) -> None:
    """The first step is what every run waits for; the others begin only while the worker is idle."""
    store, idle, done = Store(tmp_path / "ballast.sqlite"), threading.Event(), []
    second = threading.Event()
    ready = worker._warm_up(store, (lambda: done.append(1), lambda: (done.append(2), second.set())), idle)
    assert ready.wait(10) and not second.wait(0.3) and done == [1]
    idle.set()
    assert second.wait(10) and done == [1, 2]
    store.close()
