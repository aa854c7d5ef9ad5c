"""What pages offer when something went wrong: the trash, silent workers, damaged rows, homes that cannot be used."""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import queue, workplace
from core.engine import recovery
from core.engine.executor import LocalExecutor
from core.errors import ResourceError
from core.settings.run import RunConfig

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty home, and no worker processes."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(LocalExecutor, "ensure", lambda self: None)
    yield
    workplace.close()


def visit(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run().switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def cancelled(name: str = "mine") -> str:
    run = queue.create("run", RunConfig().to_json(), name=name, lane="here")
    workplace.store().request_cancel(run)
    return run


def running() -> str:
    run = queue.create("run", RunConfig().to_json(), name="going", lane="here")
    workplace.store().claim(run, pid=2**22 + 1, born=0.0)
    return run


def spoil(run: str) -> None:
    db = sqlite3.connect(workplace.store().path)
    with db:
        db.execute("UPDATE runs SET config = '{' WHERE id = ?", (run,))
    db.close()


def words(app: AppTest) -> str:
    return " ".join(str(part.value) for part in (*app.markdown, *app.caption, *app.text, *app.warning, *app.error))


def test_a_deleted_run_is_restored_from_the_trash_and_removed_for_good() -> None:
    run = cancelled()
    api.delete(run)
    app = visit("runs")
    assert "mine · deleted" in words(app)
    app.button(key=f"runs.restore.{run}").click().run()
    assert api.get(run).name == "mine" and "mine · deleted" not in words(app)
    api.delete(run)
    app = visit("runs")
    app.button(key=f"runs.remove.{run}").click().run()
    assert api.trashed() == [] and api.runs() == [] and not app.exception


def test_a_silent_worker_is_told_and_its_run_queued_again_by_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    run = running()
    monkeypatch.setattr(api, "get", workplace.store().get)  # no worker holds the lock,
    monkeypatch.setattr(recovery, "settle", lambda store, home: None)  # and nothing shall settle it
    monkeypatch.setattr(api, "silent", lambda run_id: 4.0)
    assert "No sign of life" not in words(visit("lab", run=run))
    monkeypatch.setattr(api, "silent", lambda run_id: 42.4)
    app = visit("lab", run=run)
    assert "No sign of life for 42 s" in words(app)
    app.button(key="lab.restart").click().run()
    assert api.get(run).status == "queued" and not app.exception


def test_a_damaged_row_is_shown_and_nothing_falls_over_it() -> None:
    good, bad = cancelled("good"), cancelled("bad")
    spoil(bad)
    app = visit("runs")
    (listed,) = app.dataframe
    assert list(listed.value["status"]) == ["damaged", "cancelled"] and "2 runs" in words(app)
    assert "is damaged (config): delete it" in words(visit("lab", run=bad))
    api.delete(bad)
    assert [r.id for r in api.runs(damaged=True)] == [good]
    assert f"runs.restore.{bad}" in {button.key for button in visit("runs").button}


def front() -> AppTest:
    """What stands before every page: the entrance of the app."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    return app


def test_a_home_that_cannot_be_used_is_one_sentence_and_no_page_behind_it(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "file").write_text("")
        patch.setenv("BALLAST_HOME", str(tmp_path / "file"))
        app = front()
    (error,) = app.error
    assert "should be a folder and is none" in error.value and not app.title and not app.get("bidi_component")


def test_a_home_in_an_object_store_is_refused_and_no_folder_of_its_name_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", "s3://bucket/place")
        app = front()
    (error,) = app.error
    assert "cannot lie in an object store" in error.value and not app.title and not list(tmp_path.iterdir())


def test_what_keeps_the_workers_from_their_work_is_said_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not front().warning
    monkeypatch.setattr(api, "trouble", lambda: "the disk that holds /home is full (3 MB left): make room there")
    assert "is full (3 MB left)" in words(front())


def test_the_patience_is_set_on_the_runs_page_and_refused_where_it_is_too_short() -> None:
    app = visit("runs")
    app.number_input(key="runs.patience").set_value(300).run()
    assert api.patience() == 300.0 and not app.error
    app.number_input(key="runs.patience").set_value(3).run()
    assert api.patience() == 300.0 and "at least 20 seconds" in words(app) and not app.exception


def test_the_list_is_found_and_leafed_through_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        cancelled(f"run {number}")
    other = queue.create("run", RunConfig(method={"name": "k-center"}).to_json(), name="other", lane="here")
    asked = []
    real = api.runs
    monkeypatch.setattr(api, "runs", lambda **wanted: asked.append(wanted) or real(**wanted))
    app = visit("runs")
    app.multiselect(key="runs.method").set_value(["k-center"]).run()
    assert list(app.dataframe[0].value["name"]) == ["other"] and "1 run." in words(app)
    assert all(wanted["limit"] == 200 for wanted in asked) and api.count(methods=["k-center"]) == 1
    api.cancel(other)


def test_a_refusal_of_the_store_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**wanted):
        raise ResourceError("the disk that holds /home is full (0 MB left): make room there, then go on")

    monkeypatch.setattr(api, "runs", full)
    assert "is full" in words(visit("runs", **{"runs.show": "Mine"}))


def test_a_cluster_is_shown_as_it_was_seen_and_a_queued_run_says_why_it_waits(monkeypatch):
    monkeypatch.setenv("BALLAST_EXECUTOR", "ray")
    monkeypatch.setattr("core.engine.ray.check", lambda store: None)
    run = queue.create("run", RunConfig().to_json(), name="mine", lane="work")
    assert any("No Ray cluster was seen yet" in caption.value for caption in visit("runs").caption)
    node = {"name": "one", "address": "10.0.0.1", "cpus": 4.0, "gpus": 2.0}
    seen = {"at": time.time(), "nodes": [node, {**node, "name": "two"}], "free": {"cpus": 0.0, "gpus": 0.5}}
    workplace.store().set_setting("cluster", json.dumps(seen))
    app = visit("runs")
    line = "Ray: 2 nodes, 0 of 8 cores free, 0.5 of 4 graphics cards free"
    assert line in [caption.value for caption in app.caption]
    assert any(list(frame.value.get("node", ())) == ["one", "two"] for frame in app.dataframe)
    workplace.store().set_setting("ray_gpus", "0.5")
    assert api.cluster.waits() == f"Waits in the queue of Ray for 1 core and 0.5 graphics cards. {line}"
    assert not visit("lab", run=run).exception
    workplace.store().set_setting("cluster", json.dumps(seen | {"at": time.time() - 60}))
    assert "; seen 60 s ago" in api.cluster.said()
