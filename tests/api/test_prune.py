"""The oldest runs of a kind are removed, whoever else removes them at the same time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api import work, workplace
from core.engine.store import Store

KEPT = 2


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Six ended runs, oldest first, each with a folder, and one that goes on."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    made = [workplace.store().create("attack", {}, name=str(n), digest="", lane="here") for n in range(7)]
    for run_id in made:
        workplace.store().claim(run_id, pid=1, born=0.0)
        (tmp_path / "runs" / run_id).mkdir(parents=True)
    for run_id in made[1:]:
        workplace.store().finish(run_id, "done")
    yield made
    workplace.close()


def left(home: Path) -> set[str]:
    stored = {record.id for record in workplace.store().runs()}
    assert stored == {path.name for path in (home / "runs").iterdir()}
    return stored


def test_the_newest_ended_runs_stay_and_so_does_one_that_goes_on(runs, tmp_path):
    work.prune("attack", KEPT)
    newest = {record.id for record in workplace.store().runs(status=("done",))}
    assert len(newest) == KEPT and left(tmp_path) == {runs[0], *newest}
    work.prune("attack", KEPT)
    assert len(left(tmp_path)) == 1 + KEPT


def test_a_run_that_another_session_has_just_removed_is_no_error(runs, tmp_path, monkeypatch):
    listed = Store.runs

    def overtaken(self: Store, **conditions: object) -> list:
        found = listed(self, **conditions)
        monkeypatch.setattr(Store, "runs", listed)
        work.prune("attack", KEPT)
        return found

    monkeypatch.setattr(Store, "runs", overtaken)
    work.prune("attack", KEPT)
    assert Store.runs is listed  # the other session was there
    assert len(left(tmp_path)) == 1 + KEPT


def test_sessions_prune_at_the_same_time(runs, tmp_path):
    begin, faults = threading.Barrier(4), []

    def session() -> None:
        begin.wait()
        try:
            work.prune("attack", KEPT)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=session) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [] and len(left(tmp_path)) == 1 + KEPT
