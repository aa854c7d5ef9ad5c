"""DM and what the matching methods share: the slow obvious loss, steps, presets, resuming, augmentation, refusals."""

import numpy as np
import pytest
import torch

from core.compressors import backbone
from core.compressors.matching import dm, learning
from core.errors import ConfigError, NumericsError
from core.events import drive, finish
from core.networks.augment import augment
from core.types import TrainSplit, stream

SMALL = {"ipc": 3, "steps": 12, "width": 6, "batch": 10}


def split(counts=(20, 14, 2), shape=(1, 9, 8), levels: int = 255) -> TrainSplit:
    """Classes that differ by a bright column."""
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    x = rng.uniform(0, 0.6, (len(y), *shape))
    x[np.arange(len(y)), :, :, y % shape[2]] += 0.4
    return TrainSplit(x=(x * 255).astype(np.uint8) if levels else x.astype(np.float32), y=y, levels=levels)


def learned(train=None, on_event=lambda event: None, seed: int = 0, checkpoint=None, n_classes: int = 3, **options):
    config = dm.Config(**{**SMALL, **options})
    train = split() if train is None else train
    work = dm.condense(train, config, n_classes=n_classes, seed=seed, device="cpu", checkpoint=checkpoint)
    return drive(work, on_event)


@pytest.mark.parametrize("together", [1, 10_000], ids=["class by class", "all at once"])
@pytest.mark.parametrize("wish", ["off", "auto"])
def test_a_step_is_the_slow_obvious_one(monkeypatch, wish: str, together: int):
    monkeypatch.setattr(backbone, "at_once", lambda *_: together)
    train, config = split(shape=(3, 9, 8)), dm.Config(**SMALL, augment=wish, lr_img=2.0)
    real = learning.Real.of(train, "dm", 5, "cpu")
    images = learning.Learned.begin(real, config)
    images.velocity.normal_(generator=torch.Generator().manual_seed(0)).mul_(1e-3)
    x, velocity, which = images.x.clone(), images.velocity.clone(), learning.kinds(wish, train.shape)
    loss = finish(dm._step(real, images, config, which, 3))

    # as published: pixels normalised outside the network, one class after the other, SGD with momentum on those
    mean, std = (torch.tensor(part).view(1, -1, 1, 1) for part in real.statistics)
    network = backbone.drawn(train.shape, 3, real.statistics, width=6, depth=3, seed=stream(5, "dm", "network", 0),
                             device="cpu")  # fmt: skip
    normalised = ((x - mean) / std).requires_grad_()
    changes, total = real.changes(which, 0), torch.zeros(())
    for label, place in ((0, slice(0, 3)), (1, slice(3, 6)), (2, slice(6, 8))):
        batch, own = real.batch(label, 10, 0), normalised[place] * std + mean
        if changes[label] is not None:
            batch, own = augment(batch, changes[label]), augment(own, changes[label])
        of_real = torch.stack([network.features(one[None])[0] for one in batch]).mean(0)
        of_own = torch.stack([network.features(one[None])[0] for one in own]).mean(0)
        total = total + ((of_real.detach() - of_own) ** 2).sum()
    optimiser = torch.optim.SGD([normalised], lr=2.0 * 128 / 6, momentum=0.5)
    optimiser.state[normalised]["momentum_buffer"] = velocity / std
    (normalised.grad,) = torch.autograd.grad(total, normalised)
    optimiser.step()
    assert loss == pytest.approx(float(total.detach()) / 3, rel=1e-5)
    expected = (normalised.detach() * std + mean).clamp(0, 1)
    torch.testing.assert_close(images.x, expected, rtol=0, atol=1e-6)
    assert (images.x - x).abs().max() > 1e-3 and images.step == 1


def test_many_images_of_a_class_in_parts_give_the_gradient_of_the_whole():
    real = learning.Real.of(split(), "dm", 0, "cpu")
    network = backbone.drawn((1, 9, 8), 3, real.statistics, width=6, depth=3, seed=0, device="cpu")
    change, x = real.changes(learning.kinds("auto", (1, 9, 8)), 0)[0], real.batch(0, 13, 1)
    wanted = network.features(real.batch(0, 10, 0)).mean(0, keepdim=True).detach()
    ((whole,), loss), ((parts,), again) = (finish(dm._pull(network, [x], [change], wanted, n)) for n in (13, 3))
    assert again == pytest.approx(loss, rel=1e-4) and whole.abs().max() > 1e-4
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-6)


def test_learned_images_stay_in_the_pixel_range():
    x = learned(lr_img=1000.0, steps=3).x
    assert x.min() == 0 and x.max() == 1  # so long a step leaves it on both sides


def test_the_whole_class_on_both_sides_leaves_nothing_to_learn():
    """A class that is its own condensed set has distance 0 and stays, in every network and under every change."""
    train = split(counts=(3, 3, 3))
    found = learned(train, ipc=5, batch=3, augment="auto")
    assert found.info.loss == pytest.approx(0, abs=1e-6)
    for label in range(3):
        own, real = found.x[found.y == label], train.pixels(np.flatnonzero(train.y == label))
        assert max(min(np.abs(image - other).max() for other in real) for image in own) < 1e-3


def test_the_distance_to_a_fixed_network_falls():
    train, config = split(counts=(40, 40, 40)), dm.Config(**{**SMALL, "batch": 40}, augment="off")
    real = learning.Real.of(train, "dm", 0, "cpu")
    network = backbone.drawn(train.shape, 3, real.statistics, width=32, depth=3, seed=99, device="cpu")

    def gap(x: np.ndarray) -> float:
        batches = [real.batch(label, 40, 0) for label in range(3)]
        with torch.no_grad():
            wanted = torch.stack([network.features(batch).mean(0) for batch in batches])
            return float(dm.distance(network, list(torch.tensor(x).split(3)), wanted))

    first = learning.Learned.begin(real, config).x.numpy().copy()
    assert gap(learned(train, steps=100, batch=40, width=16, augment="off").x) < 0.65 * gap(first)


@pytest.mark.parametrize("options", [{}, {"augment": "off", "init": "noise"}])
def test_same_seed_same_bytes_other_seed_other_bytes(options: dict):
    first = learned(**options)
    assert learned(**options).hash == first.hash != learned(seed=1, **options).hash


def test_resuming_equals_never_having_stopped(monkeypatch):
    monkeypatch.setattr(learning, "CHECKPOINT_S", 0.0)
    events = []
    whole = learned(on_event=events.append)
    states = [event.state for event in events if event.state is not None]
    assert len(states) == SMALL["steps"] - 1
    for state in (states[0], states[5], states[-1]):
        again = learned(checkpoint=state)
        assert again.hash == whole.hash and again.info == whole.info
    with pytest.raises(ConfigError, match="resume with the settings"):
        learned(checkpoint=states[0], ipc=2)


def test_pictures_and_losses_come_and_the_last_is_the_result(monkeypatch):
    monkeypatch.setattr(learning, "PULSE_S", 0.0)
    monkeypatch.setattr(learning, "PICTURE_S", 0.0)
    events = []
    found = learned(on_event=events.append)
    assert "shift" in events[0].note and events[0].x is not None and events[0].done == 0
    losses = [event.values["loss"] for event in events if event.values]
    assert len(losses) == SMALL["steps"] and losses[-1] == found.info.loss
    assert np.array_equal(events[-1].x, found.x) and not np.array_equal(events[0].x, found.x)
    assert [event.done for event in events] == sorted(event.done for event in events)


def test_first_images_are_real_or_noise_and_a_small_class_gives_all_it_has():
    train = split()
    pixels = {image.tobytes() for image in train.pixels()}
    real = learned(train, steps=0)
    assert {image.tobytes() for image in real.x} <= pixels and np.bincount(real.y).tolist() == [3, 3, 2]
    noise = learned(train, steps=0, init="noise")
    assert noise.x.std() == pytest.approx(12**-0.5, abs=0.03) and noise.x.min() >= 0 and noise.x.max() <= 1
    lone = learned(split(counts=(1, 30)), n_classes=4)
    assert lone.y.tolist() == [0, 1, 1, 1] and lone.n_classes == 4


@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 4, 5), (3, 16, 11), (1, 28, 28)])
@pytest.mark.parametrize("levels", [255, 0])
def test_any_shape_and_kind_of_number(shape: tuple, levels: int):
    found = learned(split(shape=shape, levels=levels), steps=3)
    assert found.x.shape == (8, *shape) and found.x.min() >= 0 and found.x.max() <= 1
    assert not np.array_equal(found.x, learned(split(shape=shape, levels=levels), steps=0).x)


def test_digits_are_never_mirrored_colour_images_are_and_points_never_change():
    assert "flip" not in learning.kinds("auto", (1, 28, 28)) and "shift" in learning.kinds("auto", (1, 28, 28))
    assert "flip" in learning.kinds("auto", (3, 32, 32)) and "flip" in learning.kinds("flip", (1, 28, 28))
    assert learning.kinds("off", (3, 32, 32)) == learning.kinds("auto", (1, 1, 2)) == ()
    assert len(set(learning.kinds("flip", (3, 32, 32)))) == len(learning.kinds("flip", (3, 32, 32)))


def test_a_class_shares_its_change_and_classes_have_their_own():
    real = learning.Real.of(split(), "dm", 0, "cpu")
    kinds = learning.kinds("auto", (1, 9, 8))
    steps = [real.changes(kinds, step) for step in range(20)]
    assert all(change.numbers.shape == (1, 3) for changes in steps for change in changes.values())
    assert len({float(change.numbers[0, 0]) for changes in steps for change in changes.values()}) == 60
    x = real.batch(0, 4, 0)
    pair = learning.changed(torch.cat([x, x]), steps[0][0])
    assert torch.equal(pair[:4], pair[4:]), "a real image and its equal stay equal"
    assert learning.changed(x, None) is x


def test_batches_are_drawn_without_replacement_and_from_one_class():
    train = split()
    real = learning.Real.of(train, "dm", 0, "cpu")
    for label, count in ((0, 10), (1, 10), (2, 2)):
        own = {image.tobytes() for image in train.pixels(np.flatnonzero(train.y == label))}
        drawn = [image.numpy().tobytes() for image in real.batch(label, 10, 3)]
        assert len(set(drawn)) == len(drawn) == count and set(drawn) <= own


def test_a_preset_fills_what_was_left_empty_and_nothing_else():
    assert dm.Config(preset="paper", width=64).model_dump() == {
        **dm.Config().model_dump(), "preset": "paper", "steps": 20_000, "width": 64, "batch": 256, "lr_img": 1.0,
    }  # fmt: skip
    fast = dm.Config(steps=None, batch=None)
    assert fast == dm.Config() and fast.steps == dm.Config.PRESETS["fast"]["steps"]
    assert dm.Config(ipc=1).lr_img == pytest.approx(0.3) and dm.Config(ipc=1, lr_img=2).lr_img == 2
    assert dm.Config(**fast.model_dump()) == fast and fast.replace(steps=7).steps == 7
    assert dm.Config(steps=None) == dm.Config() == dm.Config(steps=7).replace(steps=None)
    assert dm.Config(ipc=5000).lr_img == 1000  # not above what may be set by hand
    assert {info.name for info in dm.Config.describe() if info.optional} == {"steps", "width", "batch", "lr_img"}
    with pytest.raises(ConfigError, match="^preset[^;]*$"):  # and nothing of what it would have filled
        dm.Config(preset="slow")


def test_signs_of_life_come_within_a_step(monkeypatch):
    monkeypatch.setattr(learning, "PULSE_S", 0.0)
    monkeypatch.setattr(backbone, "at_once", lambda *_: 4)
    events = []
    learned(on_event=events.append, steps=1)
    assert sum(event.done == 0 for event in events) > 6


def test_a_loss_that_is_not_finite_stops_the_run(monkeypatch):
    monkeypatch.setattr(dm, "distance", lambda network, batches, wanted: torch.cat(batches).sum() * float("nan"))
    with pytest.raises(NumericsError, match="loss of step 1 is nan"):
        learned()


def test_closing_early_leaves_torch_as_it_was():
    before = torch.get_rng_state()
    work = dm.condense(split(), dm.Config(**SMALL), n_classes=3, seed=0, device="cpu")
    next(work)
    next(work)
    work.close()
    assert torch.equal(torch.get_rng_state(), before) and torch.is_grad_enabled()
