"""What a node does with a run that is not to be done there."""

from pathlib import Path

from core.engine import device, task
from core.engine.database import NAME
from core.engine.perform import claim
from core.engine.process import HOST
from core.engine.recovery import RETRIES
from core.engine.store import Store


def test_a_node_with_other_versions_is_told_by_name():
    server = {"python": "3.11.7", "torch": "2.15.0", "numpy": "2.4.1"}
    assert task.differing(server, dict(server)) == ""
    said = task.differing(server, {"python": "3.11.7", "torch": "2.14.0", "scipy": "1.0"})
    assert said == (
        f"the node {HOST} has numpy missing instead of 2.4.1, scipy 1.0 instead of none, "
        "torch 2.14.0 instead of 2.15.0: "
        "install the same requirements on every node, then run it again"
    )


def test_a_task_takes_over_the_run_of_a_dead_worker_and_leaves_that_of_a_living_one(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(task, "Store", lambda place: Store(Path(place)))
    store = Store(tmp_path / NAME)
    store.set_setting(RETRIES, "1")
    run = store.create("count", {"steps": 2}, name="", digest="", lane="work")
    _, lock = claim(store, tmp_path, run)
    asked = (str(tmp_path / NAME), str(tmp_path), run, "fake_kinds")
    assert task.do(*asked, device.versions()) == "running"
    lock.release()
    assert task.do(*asked, device.versions()) == "done" == task.do(*asked, device.versions())
    assert (store.get(run).attempt, store.get(run).result["start"]) == (2, 0)
    other = store.create("count", {"steps": 2}, name="", digest="", lane="work")
    assert task.do(*asked[:2], other, "fake_kinds", {"python": "2.7"}) == "failed"
    assert "instead of 2.7" in store.get(other).error
    store.close()
