"""The examples that ship: found, marked, never changed, never mixed with what is the user's own, and made again."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.examples import Bench
from core import api
from core.api import workplace
from core.api.workplace import EXAMPLES
from core.engine import artifacts
from core.engine.shelf import Shelf
from core.errors import RunError

RANDOM = "example-digits-random"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    yield tmp_path
    workplace.close()


def test_they_are_there_marked_and_whole(home):
    found = api.examples.runs()
    assert found[0].id == api.examples.RUN
    assert all(record.status == "done" and record.digest for record in found)
    assert api.examples.mark(found[0]).startswith("Example, recorded on ")
    record = api.get(api.examples.RUN)
    assert api.events(record.id) and api.image(record.id) and api.map_data(record.id).total == 1438
    assert api.members(record.id, 0).label == "0" and len(api.test_images(record.id)) == 10
    assert Path(api.of_model(record.id)["model"]).exists()
    assert api.references(record.config, record.id)["random"].id == RANDOM


def test_they_are_not_among_the_users_own(home):
    config = api.get(api.examples.RUN).config
    assert api.runs(kind=None) == [] and api.count() == 0 and api.study.studies() == []
    assert set(api.references(config).values()) == {None}
    assert api.covering.find(api.covering.settings({"name": "digits"}, "L2", ipc=10)) is None
    with pytest.raises(RunError, match="ships with Ballast"):
        api.delete(RANDOM)
    with pytest.raises(RunError, match="ships with Ballast"):
        api.rename(RANDOM, "mine")
    with pytest.raises(RunError, match="those of the examples"):
        api.study.begin("example-mine", {})
    assert (EXAMPLES / "runs" / RANDOM / "condensed.npz").exists()


def test_nothing_in_them_is_of_one_machine_only():
    for path in EXAMPLES.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert '"/' not in text and "Users" not in text, path
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file()) < 8e6


def test_the_cheapest_is_made_again_by_the_script(home, tmp_path):
    target = tmp_path / "shelf"
    bench = Bench(home, target, RANDOM)
    bench.digits()
    bench.shelve()
    mine, kept = Shelf(target).get(RANDOM), api.get(RANDOM)
    assert mine.config == kept.config and mine.data_hash == kept.data_hash and mine.name == kept.name
    one, other = (artifacts.load_condensed(folder / "runs" / RANDOM / "condensed.npz") for folder in (target, EXAMPLES))
    assert np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
    for name, interval in (("clean_acc", "clean_interval"), ("robust_acc", "interval")):
        low, high = kept.result[interval]
        assert low <= mine.result[name] <= high, (name, mine.result[name], kept.result[name])
