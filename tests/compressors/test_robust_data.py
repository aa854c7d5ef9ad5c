"""Data sets of Ilyas et al.: inversion against an oracle, features that match, labels as defined, a fooled source."""

import numpy as np
import pytest
import torch

from core import datasets
from core.compressors import METHODS
from core.compressors.features import alteration, options, relabelled, robust_features
from core.errors import ConfigError, NumericsError
from core.events import drive
from core.networks.model import build, capture, restore
from core.networks.statistics import channel_statistics
from core.training import TRAINERS
from core.types import CondensedSet, DataConfig, TrainedModel, TrainSplit

ALL = ("robust-features", "non-robust-features", "relabelled-det", "relabelled-rand")
INVERTED = ALL[:2]


@pytest.fixture(scope="module")
def train() -> TrainSplit:
    return drive(datasets.load(DataConfig(limit=60), root=None)).train


@pytest.fixture(scope="module")
def model(train: TrainSplit) -> TrainedModel:
    """A network that knows the digits."""
    network = build("small-cnn", {"width": 8, "hidden": 32}, train.shape, 10, *channel_statistics(train), seed=0)
    whole = CondensedSet(x=train.pixels(), y=train.y, n_classes=10, method="full")
    config = TRAINERS["standard"].Config(epochs=30, batch=64, lr=0.005)
    work = TRAINERS["standard"].train(whole, network, config, validation=None, seed=0, device="cpu")
    return drive(work)["last"]


def made(name, train, model, on_event=lambda event: None, seed=0, n_classes=10, **options):
    method = METHODS[name]
    config = method.Config(**{"ipc": 4, "steps": 60, "batch": 16, **options})
    work = method.condense(train, config, n_classes=n_classes, seed=seed, device="cpu", source=model)
    return drive(work, on_event)


def features(model, x):
    with torch.no_grad():
        return restore(model).features(torch.tensor(x)).numpy()


def chosen(train, name, ipc=4):
    return alteration.choose(train, ipc, 10, 0, name)


def test_inverting_the_identity_gives_the_image_itself():
    x, wanted = torch.rand(2, 5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    moments = list(robust_features.invert(lambda x: x.flatten(1), x, wanted.flatten(1), steps=100, step_size=0.05))
    assert len(moments) == 100 and (moments[-1][0] - wanted).flatten(1).norm(dim=1).max() < 0.02
    first, second = moments[0][1], moments[1][1]
    torch.testing.assert_close(first, (x - wanted).flatten(1).norm(dim=1))
    torch.testing.assert_close(second, first - 0.05)  # a straight line, a step long


def test_inversion_stays_in_the_box_where_the_aim_is_outside():
    x = torch.full((2, 1, 3, 3), 0.5)
    for wanted, edge in ((2.0, 1.0), (-1.0, 0.0)):
        *_, (end, _) = robust_features.invert(
            lambda x: x.flatten(1), x, torch.full((2, 9), wanted), steps=80, step_size=0.1
        )
        assert torch.equal(end, torch.full_like(x, edge))


def test_an_image_that_is_there_already_stays():
    x = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    *_, (end, distance) = robust_features.invert(lambda x: x.flatten(1), x, x.flatten(1), steps=5, step_size=0.1)
    assert torch.equal(end, x) and distance.max() == 0


@pytest.mark.parametrize("name", INVERTED)
def test_features_match_those_of_the_aim_and_not_those_of_the_start(name, train, model):
    events = []
    found = made(name, train, model, events.append)
    picked = chosen(train, name)
    begin = robust_features.starts(picked.rows, len(train), 0)
    got, aim, start = (features(model, x) for x in (found.x, train.pixels(picked.rows), train.pixels(begin)))
    to_aim, to_start = np.linalg.norm(got - aim, axis=1), np.linalg.norm(got - start, axis=1)
    before = np.linalg.norm(start - aim, axis=1)
    assert (to_aim < 0.2 * before).mean() > 0.9 and (to_aim < to_start).mean() > 0.9
    assert found.info.feature_distance == pytest.approx(to_aim.mean(), rel=1e-4)
    assert found.info.feature_distance_start == pytest.approx(before.mean(), rel=1e-4)
    pixels, pixels_start = (np.abs(found.x - train.pixels(rows)).mean() for rows in (picked.rows, begin))
    assert pixels_start < pixels, "the start should still be seen"
    ends = [event.values["feature_distance"] for event in events if "feature_distance_start" in event.values]
    assert len(ends) == 3  # batches


def test_the_start_is_always_another_image():
    rows = np.repeat(np.arange(7), 500)
    others = robust_features.starts(rows, 7, 0)
    assert (others != rows).all() and set(others) == set(range(7))
    assert np.array_equal(robust_features.starts(np.array([0]), 1, 0), [0])  # where there is no other


@pytest.mark.parametrize("name", ALL)
def test_images_labels_and_order(name, train, model):
    found = made(name, train, model)
    assert found.x.min() >= 0 and found.x.max() <= 1 and found.x.dtype == np.float32 and found.indices is None
    assert np.bincount(found.y).tolist() == [4] * 10
    y = chosen(train, name).y
    if name in INVERTED:
        assert np.array_equal(found.y, y)
    elif name == "relabelled-det":
        assert np.array_equal(found.y, (y + 1) % 10)
    else:
        assert not np.array_equal(found.y, y) and found.info.own_label == (found.y == y).mean()


@pytest.mark.parametrize("name", ALL[2:])
def test_the_source_takes_the_moved_images_for_their_targets(name, train, model):
    found = made(name, train, model, length=1.5)
    network = restore(model)
    with torch.no_grad():
        said = network(torch.tensor(found.x)).argmax(1).numpy()
    real = train.pixels(chosen(train, name).rows)
    lengths = np.linalg.norm((found.x - real).reshape(len(real), -1), axis=1)
    assert (said == found.y).mean() == found.info.source_fooled > 0.9
    assert lengths.max() <= 1.5 * (1 + 1e-5) and found.info.largest_perturbation == 1.5
    short = made(name, train, model, length=0.2)
    assert short.info.source_fooled < 0.5 and short.info.mean_perturbation <= 0.2 * (1 + 1e-5)


def test_the_usual_length_is_the_papers_for_colour_and_grows_with_the_side_else():
    assert relabelled.usual_length((3, 32, 32)) == 0.5
    assert relabelled.usual_length((1, 28, 28)) == pytest.approx(4.48)


def test_targets_at_random_keep_the_number_of_images_of_each_class():
    y = np.repeat(np.arange(4), [5, 1, 0, 3]).repeat(50)
    goals = relabelled.goals(y, 4, 0, random=True)
    assert np.array_equal(np.bincount(goals, minlength=4), np.bincount(y, minlength=4))
    own, expected = (goals == y).mean(), ((np.bincount(y) / len(y)) ** 2).sum()
    assert abs(own - expected) < 0.1
    assert relabelled.goals(np.array([0, 1, 3]), 4, 0, random=False).tolist() == [1, 2, 0]


@pytest.mark.parametrize("name", ALL)
def test_every_image_is_changed_by_itself(name, train, model):
    """The batch an image is in does not matter."""
    wide, narrow = made(name, train, model, steps=10), made(name, train, model, steps=10, batch=7)
    assert np.array_equal(wide.y, narrow.y)
    assert np.abs(wide.x - narrow.x).mean() < 1e-3


def test_a_large_budget_takes_every_image(train, model):
    found = made("relabelled-det", train, model, ipc=10**6, steps=1, batch=500)
    assert len(found) == len(train) == 600
    assert sorted(chosen(train, "relabelled-det", 10**6).rows.tolist()) == list(range(600))


def test_pictures_begin_with_the_images_before_and_hold_a_few_of_each_class(train, model, monkeypatch):
    monkeypatch.setattr(alteration, "SHOWN", 2)
    monkeypatch.setattr(alteration, "PULSE_S", 0.0)
    monkeypatch.setattr(alteration, "PICTURE_S", 0.0)
    events = []
    found = made("relabelled-det", train, model, events.append)
    pictures = [event for event in events if event.x is not None]
    picked = chosen(train, "relabelled-det")
    shown = np.flatnonzero(picked.rank < 2)
    assert np.array_equal(pictures[0].x, train.pixels(picked.rows[shown])) and pictures[0].done == 0
    assert np.array_equal(pictures[-1].x, found.x[shown]) and np.array_equal(pictures[-1].y, found.y[shown])
    assert len(pictures) > 60 and [event.done for event in events] == sorted(event.done for event in events)
    assert events[-1].done == events[-1].total == 3 * 60
    losses = [event.values["target_loss"] for event in events if "target_loss" in event.values][:60]
    assert losses[-1] < 0.5 * losses[0]


def test_resuming_does_not_repeat_batches_that_are_done(train, model, monkeypatch):
    monkeypatch.setattr(alteration, "CHECKPOINT_S", 0.0)
    method, states = METHODS["non-robust-features"], []
    config = method.Config(ipc=4, steps=20, batch=16)

    def work(checkpoint=None):
        return method.condense(train, config, n_classes=10, seed=0, device="cpu", source=model, checkpoint=checkpoint)

    whole = drive(work(), lambda event: states.append(event.state) if event.state else None)
    assert [int(state["done"]) for state in states] == [1, 2]
    events = []
    again = drive(work(states[1]), events.append)
    assert again.hash == whole.hash and again.info == whole.info
    assert events[0].done == 40
    with pytest.raises(ConfigError, match=r"checkpoint is of \(40, 1, 8, 8\) images, expected \(50"):
        other = method.Config(ipc=5, steps=20, batch=16)
        drive(method.condense(train, other, n_classes=10, seed=0, device="cpu", source=model, checkpoint=states[0]))


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_source_is_refused(name, train, model):
    with pytest.raises(ConfigError, match="needs a trained network, got none"):
        made(name, train, None)
    with pytest.raises(ConfigError, match="needs a source for .* of 12 classes, got one for .* of 10"):
        made(name, train, model, n_classes=12)
    other = capture(build("mlp", {"width": 4}, (3, 8, 8), 10, [0.5] * 3, [0.3] * 3, seed=0), kept="last", epoch=1)
    with pytest.raises(ConfigError, match="choose one trained on the same kind of data"):
        made(name, train, other)


def test_a_source_that_diverged_is_said(train, model):
    state = {part: np.full_like(array, np.nan) for part, array in model.state.items()}
    broken = TrainedModel(**{**model.__dict__, "state": state})
    for name in ALL:
        with pytest.raises(NumericsError, match="diverged"):
            made(name, train, broken)


def test_the_teacher_of_robust_features_faces_the_chosen_attack():
    recipe = METHODS["robust-features"].teacher(options.RobustFeatures(norm="L2", eps=0.7), (3, 32, 32))
    training = recipe["training"]["options"]
    assert (recipe["training"]["name"], training["norm"], training["eps"]) == ("warm-start", "L2", 0.7)
    assert METHODS["relabelled-det"].teacher(relabelled.Config(), (1, 1, 2))["network"]["name"] == "mlp"
    assert options.teacher(relabelled.Config(source_epochs=3), (1, 8, 8))["training"]["options"]["epochs"] == 3
