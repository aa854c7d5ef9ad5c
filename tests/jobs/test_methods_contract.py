"""What every registered method promises, whatever it does inside."""

import inspect

import numpy as np
import pytest
from pydantic import ValidationError

from core.compressors import METHODS
from core.compressors.features import alteration
from core.compressors.matching import learning
from core.compressors.prototypes import learned
from core.errors import ConfigError
from core.events import Progress, drive
from core.networks import NETWORKS
from core.networks.model import build, capture
from core.training import TRAINERS
from core.types import CondensedSet, Experts, Options, TrainSplit

SMALL = {"ipc": 2, "steps": 20, "batch": 4, "epochs": 2}  # taken by the methods that have such an option


def split(levels):
    """Three classes of 14, 9 and 3 images; one exact duplicate."""
    rng = np.random.default_rng(5)
    x = rng.integers(0, 256, (26, 1, 8, 8)).astype(np.uint8)
    x[3] = x[1]
    x = x if levels else x.astype(np.float32) / np.float32(255)
    return TrainSplit(x=x, y=np.repeat([0, 1, 2], [14, 9, 3]), levels=levels)


def small(method):
    return method.Config(**{name: value for name, value in SMALL.items() if name in method.Config.model_fields})


def tiny_model():
    """An untrained network for the images of `split`."""
    network = build("mlp", {"width": 8, "depth": 1}, (1, 8, 8), 3, [0.5], [0.3], seed=0)
    return capture(network, kept="last", epoch=1)


def tiny_set():
    """Two images of each class of `split`, as somebody else may have made them."""
    x = np.random.default_rng(7).random((6, 1, 8, 8), np.float32)
    return CondensedSet(x=x, y=np.arange(6) % 3, n_classes=3, method="elsewhere")


def tiny_experts():
    """Two ways of that network, each epoch a random step."""
    model = tiny_model()
    sizes = sum(array.size for name, array in model.state.items() if not name.startswith("normalise"))
    steps = np.random.default_rng(2).normal(0, 0.1, (2, 13, sizes)).astype(np.float32)
    return Experts(network="mlp", options=model.options, shape=model.shape, n_classes=3, mean=(0.5,), std=(0.3,),
                   weights=steps.cumsum(1), training="standard")  # fmt: skip


def taken_by(kind):
    made = {"model": tiny_model, "brought": tiny_set, "experts": tiny_experts, "condensed": lambda: None}
    return made[kind]()


def work(method, train, seed=3, **changes):
    taken = {name: taken_by(kind) for name, kind in method.takes.items()}
    return method.condense(train, small(method), n_classes=3, seed=seed, device="cpu", **taken, **changes)


every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@every_method
def test_its_settings_are_frozen_described_and_strict(method):
    config = method.Config()
    assert isinstance(config, Options) and isinstance(hash(config), int) and method.kind in ("coreset", "synthetic")
    assert method.title and method.source
    for info in method.Config.describe():
        assert info.help and not info.help.endswith("."), f"{info.name} needs one line of help without full stop"
        with pytest.raises(ValidationError, match="frozen"):
            setattr(config, info.name, info.default)
    with pytest.raises(ConfigError, match="is not a setting"):
        method.Config(colour="red")


@every_method
def test_what_it_takes_are_texts_that_name_a_run_and_a_teacher_is_a_network_with_its_training(method):
    infos = {info.name: info for info in method.Config.describe()}
    for name, kind in method.takes.items():
        assert (
            kind in ("condensed", "model", "brought", "experts")
            and infos[name].type is str
            and infos[name].default == ""
        )
    assert bool({"model", "experts"} & set(method.takes.values())) == (method.teacher is not None)
    for shape in [(1, 8, 8), (3, 32, 32), (1, 1, 2)] if method.teacher else []:
        recipe = method.teacher(small(method), shape)
        network, training = recipe["network"], recipe["training"]
        entry = NETWORKS[network["name"]]
        assert not entry.Config(**network["options"]).refuse(shape)
        assert TRAINERS[training["name"]].Config(**training["options"]).epochs >= 1


@every_method
@pytest.mark.parametrize("levels", [255, 0])
def test_it_is_a_generator_that_returns_a_valid_set(method, levels):
    train, events = split(levels), []
    before = train.x.copy()
    assert inspect.isgeneratorfunction(method.condense.resolve())
    found = drive(work(method, train), events.append)
    assert isinstance(found, CondensedSet) and found.n_classes == 3
    assert found.x.shape[1:] == train.shape and found.x.min() >= 0 and found.x.max() <= 1
    assert set(found.y) == {0, 1, 2}
    assert np.array_equal(train.x, before)
    assert events and all(isinstance(e, Progress) and e.stage == "condense" for e in events)
    for event in events:
        assert event.done >= 0 and (event.done <= event.total or event.total == 0)
        assert all(np.isfinite(value) for value in event.values.values())
        assert event.x is None or (event.x.dtype == np.float32 and len(event.x) == len(event.y))
    if levels and "ipc" in method.Config.model_fields:
        assert np.bincount(found.y).max() <= SMALL["ipc"]


@every_method
def test_a_coreset_consists_of_train_images(method):
    train = split(255)
    found = drive(work(method, train))
    if method.kind == "synthetic":
        assert found.indices is None
        return
    assert len(set(found.indices.tolist())) == len(found)
    assert np.array_equal(found.x, train.pixels(found.indices))
    assert np.array_equal(found.y, train.y[found.indices])


@every_method
def test_a_cover_covers_and_says_so_truly(method):
    train = split(255)
    found = drive(work(method, train))
    if found.assignment is None:
        assert found.radius is None and found.ball_radius is None
        return
    flat = train.x.reshape(len(train), -1).astype(np.int64)
    distance = np.sqrt(((flat - flat[found.indices][found.assignment]) ** 2).sum(1)) / 255
    assert found.norm == "L2" and np.array_equal(train.y, found.y[found.assignment])
    assert found.radius == found.ball_radius.max() == distance.max()
    for row in range(len(found)):
        members = found.assignment == row
        assert found.weights[row] == members.sum() and found.ball_radius[row] == distance[members].max(initial=0)


@every_method
def test_the_same_seed_gives_the_same_bytes_and_the_global_generators_are_left_alone(method):
    train = split(255)
    np.random.seed(1)
    expected = np.random.RandomState(1).random()
    first, second = drive(work(method, train)), drive(work(method, train))
    assert first.hash == second.hash
    assert np.random.random() == expected


@every_method
def test_cancel_leaves_nothing_behind(method, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    running = work(method, split(255))
    next(running)
    running.close()
    with pytest.raises(StopIteration):
        next(running)
    assert list(tmp_path.iterdir()) == []


@every_method
def test_an_empty_train_split_is_refused(method):
    train = split(255)
    with pytest.raises(ConfigError, match="at least one"):
        drive(work(method, train.take(np.empty(0, np.int64))))


@every_method
def test_resuming_from_any_checkpoint_gives_the_same_set(method, monkeypatch):
    for module in (alteration, learning, learned):
        monkeypatch.setattr(module, "CHECKPOINT_S", 0.0)
    train, states = split(255), []
    whole = drive(work(method, train), lambda e: states.append(e.state) if e.state is not None else None)
    for state in states[:: max(1, len(states) // 3)]:
        assert drive(work(method, train, checkpoint=state)).hash == whole.hash
