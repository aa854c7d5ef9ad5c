"""What an executor promises, of local processes on a file and of a Ray cluster on PostgreSQL."""

import time
from collections import Counter
from pathlib import Path

import pytest

from core.engine import ray as cluster
from core.engine.executor import LocalExecutor
from core.engine.perform import folder_of
from core.engine.ray import RayExecutor
from core.engine.store import Store
from core.engine.worker import store_place
from core.errors import ConfigError
from core.types import ENDED

KINDS = "fake_kinds"
FAKES = Path(__file__).resolve().parents[1] / "engine"
PATIENCE_S = 300


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return found


class Pool:
    """A home with its store and one executor of fake kinds."""

    def __init__(self, home, made):
        self.home, self.store = home, Store(store_place(home))
        self.executor = made(self.store, home, KINDS)

    def submit(self, kind, **config):
        run = self.store.create(kind, config, name=kind, digest="", lane="light" if kind == "data" else "work")
        self.executor.submit(run)
        return run

    def ended(self, run):
        return until(lambda: (record := self.store.get(run)).status in ENDED and record)

    def reached(self, run, done):
        return until(lambda: any(e.done >= done for e in self.store.events(run)))

    def bytes(self, run):
        return (folder_of(self.home, run) / "checkpoint-count.npz").read_bytes()


@pytest.fixture(scope="module")
def settings():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(FAKES))
        patch.setattr("core.engine.executor.PAUSE_S", 1.0)
        yield patch


@pytest.fixture(scope="module", params=["local", "ray"])
def pool(request, settings, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    if request.param == "local":
        made = Pool(home, LocalExecutor)
    else:
        settings.setenv("BALLAST_STORE", request.getfixturevalue("postgres").fresh())
        settings.setenv("RAY_ADDRESS", request.getfixturevalue("nodes").address)
        made = Pool(home, RayExecutor)
    yield made
    made.store.close()
    settings.delenv("BALLAST_STORE", raising=False)


def test_runs_of_both_lanes_are_done_and_say_where(pool):
    records = [pool.ended(run) for run in [pool.submit(kind, steps=3) for kind in ("count", "count", "data")]]
    assert [(r.status, r.attempt, r.error) for r in records] == [("done", 1, "")] * 3
    assert all(r.host and r.peak_rss_mb > 1 and "python" in r.versions for r in records)
    assert pool.bytes(records[0].id) == pool.bytes(records[1].id)


def test_a_failure_is_one_sentence_and_its_trace_is_in_the_log(pool):
    record = pool.ended(run := pool.submit("fail", how="bug"))
    assert record.error == "unexpected error: ZeroDivisionError: secret detail; see worker.log"
    assert "Traceback" in (folder_of(pool.home, run) / "worker.log").read_text()


@pytest.mark.parametrize("kind", ["count", "stuck", "deaf"])
def test_a_run_is_cancelled_whatever_it_is_doing(pool, kind):
    run = pool.submit(kind, steps=1000, pause=0.05)
    pool.reached(run, 1)
    pool.executor.cancel(run)
    record = pool.ended(run)
    assert (record.status, record.error, record.attempt) == ("cancelled", "", 1)
    until(lambda: not pool.executor.alive(run))
    assert record.resumable == (kind == "count")


def test_a_cancelled_run_is_resumed_from_its_checkpoint(pool):
    run = pool.submit("count", steps=30, pause=0.1)
    pool.reached(run, 3)
    pool.executor.cancel(run)
    pool.ended(run)
    pool.store.requeue(run, lane="work")
    pool.executor.submit(run)
    record = pool.ended(run)
    assert (record.status, record.attempt) == ("done", 2) and record.result["start"] >= 3
    assert pool.bytes(run) == pool.bytes(pool.ended(pool.submit("count", steps=30)).id)
    assert [event.seq for event in pool.store.events(run)] == list(range(1, len(pool.store.events(run)) + 1))


# --- only on a cluster ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def far(nodes, postgres, settings, tmp_path_factory):
    settings.setenv("BALLAST_STORE", postgres.fresh())
    settings.setenv("RAY_ADDRESS", nodes.address)
    made = Pool(tmp_path_factory.mktemp("far"), RayExecutor)
    yield made
    made.store.close()
    settings.delenv("BALLAST_STORE")


def test_a_node_that_falls_in_the_middle_loses_no_run_and_doubles_none(far, nodes):
    third = nodes.cluster.add_node(**{"num_cpus": 2, "include_dashboard": False})
    runs = [far.submit("count", steps=40, pause=0.5 if number < 4 else 0.0) for number in range(8)]
    until(lambda: sum(far.store.get(run).status == "running" for run in runs) >= 3)  # on two other cores at most
    for run in far.store.running():
        far.reached(run, 2)
    nodes.cluster.remove_node(third, allow_graceful=False)
    records = [far.ended(run) for run in runs]
    assert [record.status for record in records] == ["done"] * 8
    again = [record for record in records if record.attempt > 1]
    assert 1 <= len(again) <= 2 and all(record.result["start"] >= 1 and record.notes for record in again)
    assert "the worker process ended unexpectedly at condense" in again[0].notes[0]
    assert len({far.bytes(run) for run in runs}) == 1
    for run in runs:
        assert max(Counter(event.done for event in far.store.events(run) if event.stage == "condense").values()) <= 2


def test_what_was_queued_outlives_the_head(far, nodes):
    long, other = (far.submit("count", steps=10_000, pause=0.1) for _ in range(2))  # one for each core
    far.reached(long, 1)
    far.reached(other, 1)
    first = far.store.owner(long)
    queued = [far.submit("count", steps=2) for _ in range(3)]
    far.executor.cancel(other)
    nodes.stop()
    nodes.start(others=0)
    assert [far.ended(run).status for run in (*queued, other)] == ["done"] * 3 + ["cancelled"]
    until(lambda: (now := far.store.owner(long)) and now.token != first.token)
    far.executor.cancel(long)
    assert far.ended(long).attempt == 2


def test_without_a_cluster_the_executor_says_so(far, nodes):
    nodes.stop()
    until(lambda: "no Ray cluster answers at RAY_ADDRESS=" in far.executor.trouble)


def test_what_cannot_work_is_refused_in_a_sentence(tmp_path, postgres, monkeypatch):
    file, server = Store(tmp_path / "a.sqlite"), Store(postgres.fresh())
    with pytest.raises(ConfigError, match="BALLAST_STORE must name PostgreSQL"):
        RayExecutor(file, tmp_path, KINDS)
    monkeypatch.setenv("BALLAST_CPUS", "many")
    with pytest.raises(ConfigError, match="BALLAST_CPUS must be a number from 0.01 to 4096, got 'many'"):
        RayExecutor(server, tmp_path, KINDS)
    monkeypatch.setenv("BALLAST_CPUS", "0.5")
    monkeypatch.setenv("BALLAST_RETRIES", "7")
    cluster.remember(server, {"BALLAST_CPUS": "0.5", "BALLAST_RETRIES": "7"})
    cluster.remember(server, {})
    assert cluster.need(server) == cluster.Need(cpus=0.5, gpus=0.0, retries=7)
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="not installed: python -m pip install --require-hashes"):
        RayExecutor(server, tmp_path, KINDS)
    for opened in (file, server):
        opened.close()
