"""What a method takes besides the train split: found by run or file, compared with the data, or trained first."""

import shutil

import numpy as np
import pytest

from core.compressors import METHODS
from core.datasets import load
from core.engine import artifacts
from core.engine.job import Job
from core.errors import ConfigError, DataError, RunError
from core.events import drive
from core.jobs import inputs, keeping, run, teaching
from core.networks.model import build, capture, restore
from core.networks.statistics import channel_statistics
from core.settings.run import RunConfig
from core.training import TRAINERS
from core.types import CondensedSet, DataConfig, stream

DATA = {"name": "digits", "limit": 20}
SMALL = {"ipc": 2, "steps": 10, "batch": 8, "source_epochs": 3}


def config(method, data=DATA, **options):
    return RunConfig(data=data, method={"name": method, "options": options}).to_json()


@pytest.fixture
def home(tmp_path):
    """A home with one finished run that left a condensed set and a network for digits."""
    folder = tmp_path / "runs" / "earlier"
    network = build("mlp", {"width": 8, "depth": 1}, (1, 8, 8), 10, [0.3], [0.3], seed=0)
    artifacts.save_model(folder / "best.safetensors", capture(network, kept="last", epoch=7))
    x = np.random.default_rng(0).random((10, 1, 8, 8), np.float32)
    artifacts.save_condensed(
        folder / "condensed.npz", CondensedSet(x=x, y=np.arange(10), n_classes=10, method="random")
    )
    return tmp_path


def job(home, name="run"):
    folder = home / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    return Job(folder=folder, home=home, device="cpu")


def condensed(made):
    return (made.folder / "condensed.npz").read_bytes()


def test_a_run_and_its_file_are_the_same_source(home):
    by_run, by_file = job(home, "a"), job(home, "b")
    path = str(home / "runs" / "earlier" / "best.safetensors")
    first = drive(run.condense(config("relabelled-det", source="earlier", **SMALL), by_run))
    drive(run.condense(config("relabelled-det", source=path, **SMALL), by_file))
    one, other = (artifacts.load_condensed(made.folder / "condensed.npz") for made in (by_run, by_file))
    assert one.hash == other.hash
    assert (first["source"], first["source_network"]) == ("earlier", "mlp") and "source_epochs" not in first


def test_kip_begins_from_the_set_of_a_run(home):
    made = job(home)
    result = drive(run.condense(config("kip", start="earlier", steps=0, held_out=0), made))
    begun = artifacts.load_condensed(home / "runs" / "earlier" / "condensed.npz")
    assert np.array_equal(artifacts.load_condensed(made.folder / "condensed.npz").x, begun.x)
    assert (result["start"], result["start_method"], result["budget"]) == ("earlier", "random", 10)
    plain = drive(run.condense(config("kip", steps=0, held_out=0, ipc=1), job(home, "plain")))
    assert "start" not in plain


@pytest.mark.parametrize(
    ("method", "option", "value", "error", "sentence"),
    [
        ("relabelled-rand", "source", "nothing", RunError, "source must name a finished run or a file with a trained"),
        ("relabelled-rand", "source", "../earlier", RunError, "there is no '../earlier'"),
        ("relabelled-rand", "source", "empty", RunError, "run empty has left no best.safetensors"),
        ("kip", "start", "empty", RunError, "run empty has left no condensed.npz: choose a finished run"),
        ("adv-kip", "start", "nowhere.npz", RunError, "start must name a finished run or a file with a condensed set"),
    ],
)
def test_a_run_that_is_not_there_or_left_nothing_is_refused(home, method, option, value, error, sentence):
    (home / "runs" / "empty").mkdir()
    with pytest.raises(error, match=sentence):
        drive(run.condense(config(method, **{option: value}), job(home)))


@pytest.mark.parametrize(("method", "option"), [("robust-features", "source"), ("kip", "start")])
@pytest.mark.parametrize(
    ("data", "sentence"),
    [("moons", "for 1×8×8 images of 10 classes, moons has 1×1×2 images of 2"), ("few", "few has 1×8×8 images of 3")],
)
def test_what_was_made_for_other_images_is_refused_before_the_method_begins(home, method, option, data, sentence):
    if data == "few":
        x = np.random.default_rng(0).integers(0, 256, (30, 1, 8, 8)).astype(np.uint8)
        arrays = {"x_train": x, "y_train": np.arange(30) % 3, "x_test": x[:6], "y_test": np.arange(6) % 3}
        np.savez(home / "few.npz", **arrays)
        data = str(home / "few.npz")
    made = job(home)
    with pytest.raises(ConfigError, match=sentence):
        drive(run.condense(config(method, data={"name": data}, **{option: "earlier"}), made))
    assert {path.name for path in made.folder.iterdir()} == {"data.json"}


def test_a_file_of_another_kind_is_refused(home):
    path = str(home / "runs" / "earlier" / "condensed.npz")
    with pytest.raises(DataError, match=r"condensed\.npz is no readable safetensors file"):
        drive(run.condense(config("relabelled-det", source=path), job(home)))
    with pytest.raises(DataError, match=r"best\.safetensors is no readable \.npz"):
        drive(run.condense(config("kip", start=path.replace("condensed.npz", "best.safetensors")), job(home)))


def test_a_network_is_trained_first_and_told_of(home):
    made, events = job(home), []
    result = drive(run.condense(config("robust-features", eps=0.1, **SMALL), made), events.append)
    assert {event.stage for event in events} == {"load", "condense"}
    epochs = [event for event in events if "source_loss" in event.values]
    assert [event.done for event in epochs] == [1, 2, 3] and epochs[0].unit == "epochs"
    assert all("training the source: small-cnn" in event.note and event.model is None for event in epochs)
    assert not any("clean_acc" in event.values for event in events)
    wanted = {"source_training": "warm-start", "source_epochs": 3, "source_norm": "Linf", "source_eps": 0.1}
    assert wanted.items() <= result.items() and "trained first" in result["source"]
    assert set(made.ledger.seconds) == {"load", "source", "condense"}
    kept = artifacts.load_model(made.folder / "source.safetensors")
    assert (kept.network, kept.shape, kept.epoch) == ("small-cnn", (1, 8, 8), 3)
    own = drive(run.condense(config("robust-features", source=str(made.folder / "source.safetensors"), eps=0.1,
                                         **SMALL), other := job(home, "again")))  # fmt: skip
    assert own["feature_distance"] == result["feature_distance"]
    sets = [artifacts.load_condensed(one.folder / "condensed.npz") for one in (made, other)]
    assert sets[0].hash == sets[1].hash


@pytest.mark.parametrize("moment", ["training", "trained"])
def test_a_stopped_run_goes_on_with_the_network_it_has(home, monkeypatch, moment):
    from core.training import loop

    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    settings = config("non-robust-features", **SMALL)
    drive(run.condense(settings, whole := job(home, "whole")))
    stopped = run.condense(settings, made := job(home))
    for event in stopped:
        if event.values.get("source_loss") and event.done == 2 and moment == "training":
            break
        if event.unit == "steps" and event.total and moment == "trained":
            break
    stopped.close()
    left = {path.name for path in made.folder.iterdir()} - {"data.json", "condensed.png", keeping.MOSAIC}
    assert left == {"checkpoint-source.npz" if moment == "training" else "source.safetensors"}
    assert artifacts.resumable(made.folder)
    events = []
    drive(run.condense(settings, made), events.append)
    repeated = [event.done for event in events if "source_loss" in event.values]
    assert repeated == ([3] if moment == "training" else [])
    assert condensed(made) == condensed(whole)
    assert not list(made.folder.glob("checkpoint-*"))


def test_a_run_keeps_a_copy_of_what_it_takes(home):
    settings = config("relabelled-det", source="earlier", **SMALL)
    drive(run.condense(settings, whole := job(home, "whole")))
    stopped = run.condense(settings, made := job(home))
    for event in stopped:
        if event.unit == "steps" and event.total:
            break
    stopped.close()
    shutil.rmtree(home / "runs" / "earlier")
    drive(run.condense(settings, made))
    assert condensed(made) == condensed(whole)


def test_every_kind_of_input_can_be_found_read_and_written():
    kinds = {kind for method in METHODS.values() for kind in method.takes.values()}
    assert kinds == set(inputs.FILES) == set(inputs.READ) == set(inputs.WORDS)


MATCHED = {"ipc": 2, "steps": 3, "width": 4, "expert_count": 2, "expert_epochs": 3, "latest": 1, "span": 1}


@pytest.mark.parametrize("method", ["mtt", "mat"])
def test_experts_are_trained_by_the_ordinary_trainers_and_kept_after_every_epoch(home, method):
    made, events = job(home), []
    result = drive(run.condense(config(method, **MATCHED), made), events.append)
    kept = artifacts.load_experts(made.folder / "experts.npz")
    dataset = drive(load(DataConfig(**DATA), root=home / "data"))
    network, training = teaching.recipe(RunConfig(**config(method, **MATCHED)).method, dataset)
    mean, std = channel_statistics(dataset.train)
    for number in range(2):
        seed = stream(0, "experts", number)
        blank = build(network.name, network.options, (1, 8, 8), 10, mean, std, seed=seed)
        assert np.array_equal(kept.weights[number, 0], teaching.joined(blank))
        whole = CondensedSet(x=dataset.train.pixels(), y=dataset.train.y, n_classes=10, method="full")
        last = drive(TRAINERS[training.name].train(whole, blank, training.options, validation=None, seed=seed,
                                                   device="cpu"))["last"]  # fmt: skip
        assert np.array_equal(kept.weights[number, -1], teaching.joined(restore(last)))
    assert kept.weights.shape[:2] == (2, 4) and len({kept.weights[0, epoch].tobytes() for epoch in range(4)}) == 4
    epochs = [(e.done, e.total) for e in events if "expert_loss" in e.values]
    assert epochs == [(done, 6) for done in range(1, 7)] and {e.stage for e in events} == {"load", "condense"}
    told = {"experts_count": 2, "experts_epochs": 3, "experts_training": training.name, "experts_network": "convnet"}
    assert told.items() <= result.items() and set(made.ledger.seconds) == {"load", "experts", "condense"}


def test_experts_of_a_run_serve_another(home):
    drive(run.condense(config("mtt", **MATCHED), first := job(home, "first")))
    result = drive(run.condense(config("mtt", experts="first", **MATCHED), second := job(home, "second")))
    assert "experts" not in second.ledger.seconds and result["experts"] == "first"
    sets = [artifacts.load_condensed(one.folder / "condensed.npz") for one in (first, second)]
    assert sets[0].hash == sets[1].hash
    with pytest.raises(DataError, match=r"condensed\.npz holds no trajectories of ours"):
        drive(run.condense(config("mtt", experts=str(first.folder / "condensed.npz"), **MATCHED), job(home, "third")))


def test_a_run_that_is_stopped_between_two_experts_trains_the_second_alone(home, monkeypatch):
    monkeypatch.setattr(keeping, "SAVE_S", 0.0)
    settings = config("mtt", **MATCHED)
    drive(run.condense(settings, whole := job(home, "whole")))
    stopped = run.condense(settings, made := job(home))
    for event in stopped:
        if event.values.get("expert_loss") and event.done == 4:
            break
    stopped.close()
    events = []
    drive(run.condense(settings, made), events.append)
    assert [e.done for e in events if "expert_loss" in e.values] == [4, 5, 6]
    assert condensed(made) == condensed(whole) and not list(made.folder.glob("checkpoint-*"))
