"""Certified prototypes: the loss against the certificate, one step against the obvious one, what is learned."""

import numpy as np
import pytest
import torch

from core import datasets
from core.certificates import line
from core.certificates.nearest import KINDS, Centres, prove
from core.compressors.prototypes import learned, objective
from core.compressors.prototypes.objective import farthest, violation
from core.errors import ConfigError
from core.events import drive, finish
from core.types import CondensedSet, DataConfig, TrainSplit

every_norm = pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])


def few(seed: int, *, images: int = 40, pixels: int = 6):
    """Images and prototypes of three classes, so few that all pairs are looked at: 2 own and at most 3 foreign."""
    rng = np.random.default_rng(seed)
    x, s = (np.clip(1.4 * rng.random((n, pixels)) - 0.2, 0, 1) for n in (images, 5))
    return x, rng.integers(0, 3, images), s, np.array([0, 0, 1, 1, 2])


def found(train: TrainSplit, on_event=lambda event: None, *, seed: int = 0, start=None, **options) -> CondensedSet:
    config = learned.Config(**{"ipc": 2, "steps": 30, "batch": 32, "held_out": 60, **options})
    n_classes = int(train.y.max()) + 1
    return drive(learned.condense(train, config, n_classes=n_classes, seed=seed, device="cpu", start=start), on_event)


@pytest.fixture(scope="module")
def digits() -> TrainSplit:
    return drive(datasets.load(DataConfig(name="digits"), root=None)).train


@every_norm
def test_an_image_is_violated_by_the_loss_exactly_where_it_is_not_certified(norm: str, monkeypatch):
    monkeypatch.setattr(objective, "FOREIGN", 3)
    eps, proven = {"Linf": 0.1, "L2": 0.2, "L1": 0.4}[norm], []
    for seed in range(20):
        x, y, s, labels = few(seed)
        tensors = (torch.tensor(v) for v in (x, y, s, labels))
        loss = violation(*tensors, norm, eps).numpy()
        radius = finish(prove(x, y, Centres.of(s, labels), norm)).radius
        clear = np.abs(radius - eps) > 1e-3 * eps
        assert ((loss < 0) == (radius > eps))[clear].all()
        proven.append((radius > eps).mean())
    assert 0.1 < np.mean(proven) < 0.9


@every_norm
@pytest.mark.parametrize("eps", [0.05, 0.4])
def test_the_best_move_is_that_of_the_attack(norm: str, eps: float):
    x, _, s, _ = few(1, images=30, pixels=12)
    for image in x:
        moved = image + farthest(torch.tensor(image), torch.tensor(s[2] - s[0]), norm, eps).numpy()
        np.testing.assert_allclose(moved, line.farthest(image, s[0], s[2], KINDS[norm], eps), atol=1e-9)


@every_norm
def test_the_gradient_is_that_of_small_changes_though_the_move_is_held_fixed(norm: str, monkeypatch):
    monkeypatch.setattr(objective, "FOREIGN", 3)
    x, y, s, labels = few(2, images=12)
    x, y, s, labels = (torch.tensor(v) for v in (x, y, s, labels))
    assert torch.autograd.gradcheck(lambda p: violation(x, y, p, labels, norm, 0.1), s.requires_grad_(), eps=1e-7)


def test_one_step_is_the_obvious_one(digits: TrainSplit, monkeypatch):
    monkeypatch.setattr(objective, "FOREIGN", 10)
    start = found(digits, steps=0, init="real", ipc=1)
    after = found(digits, steps=1, start=start, batch=20_000, lr=0.01, eps=0.05, margin=0.5)
    rows, _ = learned.apart(digits.y, 60, learned.stream(0, "prototypes", "held-out"))
    x, s = digits.pixels(rows).reshape(len(rows), -1).astype(np.float64), start.x.reshape(10, -1).astype(np.float64)
    gradient = np.zeros_like(s)
    for image, label in zip(x, digits.y[rows], strict=True):
        values, slopes = [], []
        for other in (c for c in range(10) if c != label):
            a, b = s[label], s[other]
            g = b - a
            worst = image + np.where(g > 0, np.minimum(0.05, 1 - image), -np.minimum(0.05, image)) * (g != 0)
            gap, size = (((worst - a) ** 2).sum() - ((worst - b) ** 2).sum()) / 2, 0.05 * np.abs(g).sum()
            slope = np.zeros_like(s)
            slope[label] = -(worst - a) / size + gap / size**2 * 0.05 * np.sign(g)
            slope[other] = (worst - b) / size - gap / size**2 * 0.05 * np.sign(g)
            values.append(gap / size)
            slopes.append(slope)
        if 0 < max(values) + 0.5 < 3:
            gradient += slopes[int(np.argmax(values))] / len(x)
    expected = np.clip(s - 0.01 * gradient / (np.abs(gradient) + 1e-8), 0, 1)
    certain = np.abs(gradient) > 1e-6
    np.testing.assert_allclose(after.x.reshape(10, -1)[certain], expected[certain], atol=1e-4)
    assert certain.mean() > 0.5


@every_norm
def test_learning_raises_what_is_proven_of_images_it_has_not_seen(digits: TrainSplit, norm: str):
    events, eps = [], {"Linf": 0.15, "L2": 0.7, "L1": 2.0}[norm]
    made = found(digits, events.append, ipc=2, steps=150, norm=norm, eps=eps, held_out=300, batch=128)
    curve = [event.values["certified_acc"] for event in events if "certified_acc" in event.values]
    assert curve[-1] > curve[0] + 0.05 and made.info.certified_acc == curve[-1]
    _, held = learned.apart(digits.y, 300, learned.stream(0, "prototypes", "held-out"))
    proven = finish(prove(digits.pixels(held), digits.y[held], Centres.of(made.x, made.y), norm))
    assert made.info.certified_acc == (proven.radius > eps).mean()
    assert made.info.nearest_clean_acc == proven.right.mean()
    assert (made.info.certified_norm, made.info.certified_eps, made.info.held_out) == (norm, eps, len(held))
    assert np.array_equal(events[-1].x, made.x) and events[-1].done == 150


@pytest.mark.parametrize("init", ["k-means", "real"])
def test_held_out_images_change_the_curve_and_nothing_else(digits: TrainSplit, init: str):
    _, held = learned.apart(digits.y, 60, learned.stream(0, "prototypes", "held-out"))
    x = digits.x.copy()
    x[held] = digits.levels - x[held]
    first, second = (found(data, init=init) for data in (digits, TrainSplit(x=x, y=digits.y, levels=digits.levels)))
    assert first.hash == second.hash and first.info.certified_acc > second.info.certified_acc


def test_a_stored_set_is_where_learning_begins(digits: TrainSplit):
    start = found(digits, init="real", steps=0)
    assert np.array_equal(found(digits, start=start, steps=0).x, start.x)
    assert {x.tobytes() for x in start.x} <= {x.tobytes() for x in digits.pixels()}
    assert not np.array_equal(found(digits, start=start).x, start.x)


def test_what_leaves_nothing_to_learn_is_refused(digits: TrainSplit):
    with pytest.raises(ConfigError, match="got 1 class"):
        found(digits.take(np.flatnonzero(digits.y == 3)))
    start = found(digits, init="real", steps=0)
    some = CondensedSet(x=start.x[2:], y=start.y[2:], n_classes=10, method="random")
    with pytest.raises(ConfigError, match="none of class 0"):
        found(digits, start=some)
    other = CondensedSet(x=start.x[:, :, :4], y=start.y, n_classes=10, method="random")
    with pytest.raises(ConfigError, match="made from the same data"):
        found(digits, start=other)
    with pytest.raises(ConfigError, match="eps"):
        learned.Config(eps=0)
