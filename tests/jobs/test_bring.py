"""A set from elsewhere as a run: asked about, taken, and from then on like any other."""

import io
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core import api
from core.api import queue, visitors, workplace
from core.cli.main import app
from core.datasets import load
from core.engine import artifacts
from core.engine.inline import InlineExecutor
from core.errors import BallastError, ConfigError, DataError, RunError
from core.events import drive
from core.jobs.kinds import KINDS
from core.networks.statistics import channel_statistics
from core.settings.identity import identity
from core.settings.run import RunConfig, unsuited
from core.types import DataConfig, Visitor

DATA = {"name": "digits", "limit": 20}
SMALL = {
    "network": {"name": "mlp", "options": {"width": 8, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 2}},
    "evaluation": {"images": 20, "attack_steps": 2, "curve_points": 0, "live_images": 0},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(queue, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    return tmp_path


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return drive(load(DataConfig(**DATA), root=tmp_path_factory.mktemp("data")))


def two_each(dataset):
    rows = np.concatenate([np.flatnonzero(dataset.train.y == label)[:2] for label in range(10)])
    return dataset.train.pixels(rows), dataset.train.y[rows]


def published(path, dataset, *, normalise=False):
    x, y = two_each(dataset)
    if normalise:
        mean, deviation = (np.float32(part[0]) for part in channel_statistics(dataset.train))
        x = (x - mean) / deviation
    torch.save({"data": [[torch.tensor(x), torch.tensor(y)]]}, path)
    return path


def settings(**options):
    return RunConfig(data=DATA, method={"name": "imported", "options": options}, **SMALL).to_json()


def test_an_imported_set_is_trained_on_judged_and_compared_like_any_other(home):
    moons = drive(load(DataConfig(name="moons", limit=20), root=home))
    rows = np.array([*np.flatnonzero(moons.train.y == 0)[:2], *np.flatnonzero(moons.train.y == 1)[:2]])
    x, y = moons.train.pixels(rows), moons.train.y[rows]
    torch.save([torch.tensor(x), torch.tensor(y)], home / "set.pt")
    record = api.here("run", settings(set=str(home / "set.pt"), ipc=2) | {"data": {"name": "moons", "limit": 20}})
    assert record.status == "done", record.error
    found = api.results.RunResult.of(record)
    kept = artifacts.load_condensed(workplace.home() / "runs" / record.id / "condensed.npz")
    assert np.array_equal(kept.x, x) and kept.method == "imported" and kept.origin.train_hash == moons.train.hash
    assert (found.budget, found.ipc) == (4, 2) and found.robust_acc is not None and found.nearest is not None
    assert found.to_json()["set_file"] == "set.pt" and any("names no classes" in note for note in found.notes)
    assert set(api.references(record.config)) == {"random", "k-means", "full"}
    assert [cell.settings.method.name for cell in _study(str(home / "set.pt"))] == ["random", "imported"]


def _study(path):
    from core.settings.study import Study, plan

    return plan(Study(data=DATA, methods=("random", "imported"), ipc=(2,), seeds=1, trainings=("standard",),
                      reference_seeds=0, set=(f"imported.set={path}",)))  # fmt: skip


def test_the_content_of_the_file_is_what_the_run_is_known_by(home, digits):
    path = published(home / "set.pt", digits)
    moved = home / "other name.pt"
    moved.write_bytes(path.read_bytes())
    first, same = (identity(settings(set=str(one))).digest for one in (path, moved))
    assert first == same
    published(path, digits, normalise=True)
    assert identity(settings(set=str(path))).digest != first


def test_black_and_white_are_asked_for_shown_and_then_recorded(home, digits):
    path = published(home / "set.pt", digits, normalise=True)
    found = CliRunner().invoke(app, ["import", str(path), "--data", "digits", "--limit", "20", "--json"])
    asked = json.loads(found.stdout)
    assert found.exit_code == 1 and asked["range"]["needs_answer"] and asked["range"]["proposal"]
    folder = workplace.home() / "runs" / asked["run"]
    assert (folder / "condensed.png").exists() and not (folder / "condensed.npz").exists()
    with pytest.raises(BallastError, match="look at the images, then confirm"):
        _failed(api.here("condense", settings(set=str(path))))
    words = ["--set-range", asked["range"]["proposal"], "--clip", "--limit", "20", "--data", "digits", "--json"]
    taken = CliRunner().invoke(app, ["import", str(path), *words])
    assert taken.exit_code == 0, taken.output
    told = json.loads(taken.stdout)
    assert told["budget"] == 20 and told["counts"] == [2] * 10 and asked["range"]["proposal"] in told["set_read_as"]
    kept = artifacts.load_condensed(workplace.home() / "runs" / told["run"] / "condensed.npz")
    assert np.allclose(kept.x, two_each(digits)[0], atol=2e-6)
    assert told["run"] in {record.id for record in api.supports()}
    again = api.here("condense", settings(set=told["run"]))
    assert again.status == "done", again.error
    assert np.array_equal(artifacts.load_condensed(workplace.home() / "runs" / again.id / "condensed.npz").x, kept.x)


def test_a_foreign_set_may_be_called_as_ours_are(home, digits):
    path = published(home / "set.pt", digits, normalise=True)
    images, labels = torch.load(path, weights_only=True)["data"][0]
    np.savez(home / "condensed.npz", images=images.numpy(), labels=labels.numpy())
    found = CliRunner().invoke(
        app, ["import", str(home / "condensed.npz"), "--data", "digits", "--limit", "20", "--json"]
    )
    words = [
        "--set-range",
        json.loads(found.stdout)["range"]["proposal"],
        "--clip",
        "--limit",
        "20",
        "--data",
        "digits",
    ]
    taken = CliRunner().invoke(app, ["import", str(home / "condensed.npz"), *words, "--json"])
    assert found.exit_code == 1 and taken.exit_code == 0, taken.output


def _failed(record):
    if record.status == "failed":
        raise RunError(record.error)


def test_sets_of_other_data_and_other_budgets_are_refused(home, digits):
    path = published(home / "set.pt", digits)
    for config, sentence in [
        (settings(set=str(path), ipc=3), "2 to 2 images per class, ipc asks for 3"),
        (settings(set=""), "imported needs a set"),
        (settings(set="nowhere"), "there is no set 'nowhere'"),
        (settings(set=str(path)) | {"data": {"name": "moons"}}, "digits|has 1×8×8 images, moons has 1×1×2"),
    ]:
        record = api.here("condense", config)
        with pytest.raises(RunError, match=sentence):
            _failed(record)


def test_classes_of_another_order_are_refused_and_another_train_split_is_noted(home):
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8)).astype(np.uint8)
    y = np.arange(40) % 2
    for name, images, classes in [
        ("one", x, ["ant", "bee"]),
        ("more", x[::-1], ["ant", "bee"]),
        ("turned", x[::-1], ["bee", "ant"]),
    ]:
        np.savez(home / f"{name}.npz", x_train=images, y_train=y, classes=np.array(classes))

    def on(name, method):
        return RunConfig(data={"name": str(home / f"{name}.npz")}, method=method).to_json()

    made = api.here("condense", on("one", {"name": "random", "options": {"ipc": 1}}))
    taken = {"name": "imported", "options": {"set": made.id}}
    assert not any("another train split" in note for note in api.here("bring", on("one", taken)).result["notes"])
    assert any("another train split" in note for note in api.here("bring", on("more", taken)).result["notes"])
    with pytest.raises(RunError, match="was made for the classes ant, bee in this order, turned has bee, ant"):
        _failed(api.here("bring", on("turned", taken)))


def test_best_weights_are_not_judged_by_images_the_set_may_have_seen():
    best = {"name": "standard", "options": {"keep": "best"}}
    assert "choose keep last" in unsuited(RunConfig(**settings(set="x") | {"training": best}))
    with pytest.raises(ConfigError, match="choose keep last"):
        api.submit(settings(set="x") | {"training": best})


def test_a_guest_brings_a_set_by_upload_and_by_nothing_else(home, digits, monkeypatch):
    path = published(home / "set.pt", digits)
    monkeypatch.setattr(visitors, "current", lambda: Visitor(role="guest", id="g", free=False))
    with pytest.raises(DataError, match="reads only the data sets of its list"):
        api.bring.look(api.bring.settings(DATA, {"set": str(path)}))
    mine = api.bring.upload("set.pt", io.BytesIO(path.read_bytes()))
    run = api.bring.look(api.bring.settings(DATA, {"set": mine}))
    assert api.get(run).status == "done" and api.bring.look(api.bring.settings(DATA, {"set": mine})) == run
    with pytest.raises(DataError, match="is none of .pt"):
        api.bring.upload("set.py", io.BytesIO(b"print()"))
