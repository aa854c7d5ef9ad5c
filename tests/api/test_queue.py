"""In which lane a small run is queued: behind nothing that takes long, and in no worker of its own without need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api import queue, workplace
from core.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    yield
    workplace.close()


def queued(kind: str) -> str:
    return workplace.store().create(kind, {}, name=kind, digest="", lane="work")


def test_alone_it_takes_the_lane_of_all():
    assert queue.lane_of_small() == "work"


@pytest.mark.parametrize("running", [True, False])
def test_it_waits_behind_nothing_that_is_queued_or_runs(running):
    run_id = queued("run")
    if running:
        workplace.store().claim(run_id, pid=1, born=0.0)
    assert queue.lane_of_small() == queue.lane_of_small(ignoring=("covering",)) == "light"
    workplace.store().request_cancel(run_id)
    workplace.store().finish(run_id, "cancelled")
    assert queue.lane_of_small() == "work"


def test_it_waits_behind_its_own_kind_where_that_is_meant_and_behind_data_always():
    queued("data")
    assert queue.lane_of_small() == "work"
    queued("covering")
    assert queue.lane_of_small(ignoring=("covering",)) == "work" and queue.lane_of_small() == "light"


def test_an_executor_that_is_none_and_one_that_cannot_work_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("BALLAST_EXECUTOR", "slurm")
    with pytest.raises(ConfigError, match="BALLAST_EXECUTOR must be one of local, ray, got 'slurm'"):
        workplace.executor()
    monkeypatch.setenv("BALLAST_EXECUTOR", "ray")
    with pytest.raises(ConfigError, match="BALLAST_STORE must name PostgreSQL"):
        workplace.executor()
    monkeypatch.setenv("BALLAST_EXECUTOR", "")
    assert workplace.executor().at_once() == 1
