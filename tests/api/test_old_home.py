"""A home that version 0.1 wrote: it opens as it is, and everything in it is found, judged and repeated."""

import io
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest

from core import api
from core.api import queue, workplace
from core.engine import artifacts, schema
from core.networks.model import restore
from core.settings.run import RunConfig

HOME = Path(__file__).resolve().parents[1] / "data" / "home-0.1"
MANY = 6_000
NAMES = ["renamed option", "from a shell", "from a page"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    shutil.copytree(HOME, tmp_path / "home")
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    workplace.close()


def test_runs_are_listed_and_found_by_their_settings(home):
    records = api.runs()
    assert [record.name for record in records] == NAMES
    for record in records:
        settings = RunConfig(**record.config)
        assert [found.id for found in queue.equal("run", settings.to_json())] == [record.id]
        assert 0 <= record.result["clean_acc"] <= 1 and api.map_data(record.id) is not None
        assert api.events(record.id)


def test_a_run_from_a_shell_is_a_reference_like_one_from_a_page(home):
    for name in ("from a page", "from a shell"):
        (run,) = api.runs(text=name)
        other = RunConfig(**run.config).replace(method={"name": "k-center", "options": {"ipc": 2}})
        assert api.references(other.to_json())["random"].id == run.id


def test_the_store_is_copied_before_it_is_changed(home):
    before = sqlite3.connect(home / "ballast.sqlite")
    assert [record.name for record in api.runs()] == NAMES
    (kept,) = home.glob("ballast.sqlite.version-*")
    version = int(kept.suffix.rpartition("-")[2])
    copy = sqlite3.connect(kept)
    assert copy.execute("PRAGMA user_version").fetchone() == (version,) and version < len(schema.STEPS)
    assert before.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)
    columns = {row[1] for row in copy.execute("PRAGMA table_info(runs)")}
    assert "lease" not in columns and copy.execute("SELECT count(*) FROM runs").fetchone()[0] >= len(NAMES)
    before.close()
    copy.close()


def test_runs_of_an_older_store_are_found_by_their_methods(home):
    assert {run.name for run in api.runs(methods=("random",))} == {
        run.name for run in api.runs() if RunConfig(**run.config).method.name == "random"
    }


def test_further_jobs_belong_to_their_run(home):
    (run,) = api.runs(text="from a page")
    (judged,) = api.evaluations(run.id)
    assert (judged.parent, judged.kind, judged.status) == (run.id, "evaluate", "done")


def test_weights_under_a_renamed_option_are_read(home):
    (run,) = api.runs(text="renamed")
    model = artifacts.load_model(home / "runs" / run.id / "last.safetensors")
    assert model.options["norm"] == "batch"  # as it was written
    assert any(type(module).__name__ == "BatchNorm2d" for module in restore(model).modules())


def test_a_home_is_healed_once(home, monkeypatch):
    api.runs()
    workplace.close()
    monkeypatch.setattr(workplace.history, "healed", lambda record: pytest.fail("healed twice"))
    assert [record.name for record in api.runs()] == NAMES


def test_events_of_a_version_that_kept_every_one_are_thinned_and_exported_whole(home):
    db = sqlite3.connect(home / "ballast.sqlite")
    (run,) = db.execute("SELECT id FROM runs WHERE name = 'from a page'").fetchone()
    (before,) = db.execute("SELECT count(*) FROM events WHERE run = ?", (run,)).fetchone()
    more = [(run, before + i, 0.0, "train", i, MANY, "epochs", "{}", "") for i in range(1, MANY + 1)]
    with db:
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", more)
    db.close()
    assert len(api.events(run)) < 1_000 + before and api.events(run)[-1].done == MANY
    with zipfile.ZipFile(io.BytesIO(api.export(run))) as file:
        assert len(file.read("metrics.csv").splitlines()) == 1 + before + MANY
