"""Nearest enemies by brute force, and the loss bound on models whose inner maximum is exact."""

import numpy as np
import pytest

from core.compressors import k_center
from core.covering.bound import adversarial_loss, compare, generalised_loss
from core.covering.distances import Metric
from core.covering.separation import mixed_balls, nearest_enemies
from core.errors import ConfigError
from core.types import CondensedSet, TrainSplit

DUAL = {"L2": 2, "Linf": 1, "L1": np.inf}
NORMS = tuple(DUAL)


def finish(work):
    """Run a generator and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value


def split(n=60, classes=3, levels=255, seed=0):
    """Random images in random classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n).astype(np.int64)
    if levels:
        return TrainSplit(x=rng.integers(0, levels + 1, (n, 1, 2, 3), dtype=np.uint8), y=y, levels=levels)
    return TrainSplit(x=rng.random((n, 1, 2, 3), dtype=np.float32), y=y, levels=0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("levels", [255, 0])
def test_nearest_enemies_equal_brute_force(norm, levels):
    train = split(levels=levels)
    x = train.x.reshape(len(train), -1).astype(np.float64) / (levels or 1)
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1, ord={"L2": 2, "Linf": np.inf, "L1": 1}[norm])
    distance[train.y[:, None] == train.y[None]] = np.inf
    found = finish(nearest_enemies(train, Metric(norm, train.levels)))
    np.testing.assert_allclose(found.distance, distance.min(1), rtol=1e-12)
    np.testing.assert_allclose(distance[np.arange(len(train)), found.row], distance.min(1), rtol=1e-12)
    assert found.separation == pytest.approx(distance.min(), rel=1e-12)
    config = k_center.Config(ipc=3, norm=norm)
    condensed = finish(k_center.condense(train, config, n_classes=3, seed=0, device="cpu"))
    inside = distance[condensed.indices] <= condensed.ball_radius[:, None] + 1e-12
    assert mixed_balls(found, condensed) == inside.any(1).sum()


def test_one_class_has_no_enemy():
    found = finish(nearest_enemies(split(classes=1), Metric("L2", 255)))
    assert found.separation is None
    assert (found.row == -1).all()


def linear_model(norm, seed, classes=3, pixels=6):
    """The exact worst-case multi-class margin loss of a random linear model (pixels may leave [0, 1])."""
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(classes, pixels)), rng.normal(size=classes)

    def worst(x, y, eps):
        rows = x.reshape(len(x), -1).astype(np.float64)
        logits = rows @ weight.T + bias
        gap = logits - logits[np.arange(len(y)), y][:, None]
        reach = np.linalg.norm(weight[None] - weight[y][:, None], axis=-1, ord=DUAL[norm])
        return np.maximum(0, (1 + gap + eps[:, None] * reach) * (np.arange(classes) != y[:, None])).max(1)

    return worst


def logistic_model(norm, seed, pixels=6):
    """The exact worst-case logistic loss of a random binary linear model."""
    weight = np.random.default_rng(seed).normal(size=pixels)

    def worst(x, y, eps):
        margin = (2 * y - 1) * (x.reshape(len(x), -1).astype(np.float64) @ weight - weight.sum() / 2)
        return np.logaddexp(0, -(margin - eps * np.linalg.norm(weight, ord=DUAL[norm])))

    return worst


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_bound_holds_for_exact_inner_maxima(norm, seed):
    for classes, model in ((3, linear_model), (2, logistic_model)):
        train = split(classes=classes, seed=seed)
        config = k_center.Config(ipc=2 + seed, norm=norm)
        condensed = finish(k_center.condense(train, config, n_classes=classes, seed=0, device="cpu"))
        for eps in (0.0, 0.1, 0.5):
            both = compare(train, condensed, eps, model(norm, seed), estimate=False)
            assert both.holds, both
            assert both.right > generalised_loss(condensed, eps, model(norm, seed), fraction=0.0)


def test_a_cover_by_everything_makes_the_bound_an_equality():
    train = split()
    condensed = finish(k_center.condense(train, k_center.Config(ipc=60), n_classes=3, seed=0, device="cpu"))
    both = compare(train, condensed, 0.3, linear_model("L2", 0), estimate=False)
    assert both.left == pytest.approx(both.right, rel=1e-12)


def test_weights_and_radii_enter_the_sum_as_written():
    condensed = CondensedSet(
        x=np.zeros((2, 1, 1, 1), np.float32), y=np.array([0, 1]), n_classes=2, method="t",
        ball_radius=np.array([1.0, 2.0]), weights=np.array([3, 1]),
    )  # fmt: skip
    assert generalised_loss(condensed, 0.5, lambda x, y, eps: eps + 10 * y) == (3 * 1.5 + 12.5) / 4
    assert generalised_loss(condensed, 0.5, lambda x, y, eps: eps, fraction=0.5) == (3 * 1.0 + 1.5) / 4


def test_the_inequality_can_be_broken_by_a_false_cover():
    """The check is able to fail: radii of zero on a set that is no cover."""
    train = split(seed=3)
    lie = CondensedSet(
        x=train.pixels(slice(1)), y=train.y[:1].copy(), n_classes=3, method="t",
        ball_radius=np.zeros(1), weights=np.array([len(train)]),
    )  # fmt: skip
    models = [linear_model("L2", seed) for seed in range(10)]
    assert not all(compare(train, lie, 0.1, model, estimate=False).holds for model in models)


def test_bound_refuses_sets_without_cover_and_negative_eps():
    train = split()
    plain = CondensedSet(x=train.pixels(slice(2)), y=train.y[:2].copy(), n_classes=3, method="random")
    with pytest.raises(ConfigError, match="needs a cover"):
        generalised_loss(plain, 0.1, linear_model("L2", 0))
    condensed = finish(k_center.condense(train, k_center.Config(ipc=2), n_classes=3, seed=0, device="cpu"))
    with pytest.raises(ConfigError, match="eps must be zero or positive"):
        generalised_loss(condensed, -0.1, linear_model("L2", 0))


def test_the_left_side_counts_every_image_once():
    train = split(n=2_500)
    assert adversarial_loss(train, 0.0, lambda x, y, eps: np.ones(len(y))) == 1.0
