"""Nearest enemies by brute force, and the loss bound on models whose inner maximum is exact."""

import numpy as np
import pytest

from core.compressors.selection import k_center
from core.covering.bound import compare, radii, weighted
from core.covering.distances import Metric
from core.covering.separation import mixed_balls, nearest_enemies
from core.errors import ConfigError
from core.events import finish
from core.types import CondensedSet, TrainSplit

DUAL = {"L2": 2, "Linf": 1, "L1": np.inf}
NORMS = tuple(DUAL)


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


def sides(train, condensed, eps, model, fraction=1.0):
    """Both sides of the bound of a cover for a model whose worst losses are exact."""
    images = model(train.pixels(), train.y, np.full(len(train), eps))
    centres = model(condensed.x, condensed.y, radii(condensed, eps, fraction))
    return compare(images, centres, condensed.weights, eps=eps, estimate=False)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(5))
def test_the_bound_holds_for_exact_inner_maxima(norm, seed):
    for classes, model in ((3, linear_model), (2, logistic_model)):
        train = split(classes=classes, seed=seed)
        config = k_center.Config(ipc=2 + seed, norm=norm)
        condensed = finish(k_center.condense(train, config, n_classes=classes, seed=0, device="cpu"))
        for eps in (0.0, 0.1, 0.5):
            both = sides(train, condensed, eps, model(norm, seed))
            assert both.holds and both.eps == eps and not both.estimate, both
            assert both.right > sides(train, condensed, eps, model(norm, seed), fraction=0.0).right


def test_a_cover_by_everything_makes_the_bound_an_equality():
    train = split()
    condensed = finish(k_center.condense(train, k_center.Config(ipc=60), n_classes=3, seed=0, device="cpu"))
    both = sides(train, condensed, 0.3, linear_model("L2", 0))
    assert both.left == pytest.approx(both.right, rel=1e-12)


def test_weights_and_radii_enter_the_sum_as_written():
    condensed = CondensedSet(
        x=np.zeros((2, 1, 1, 1), np.float32), y=np.array([0, 1]), n_classes=2, method="t",
        ball_radius=np.array([1.0, 2.0]), weights=np.array([3, 1]),
    )  # fmt: skip
    assert radii(condensed, 0.5).tolist() == [1.5, 2.5] and radii(condensed, 0.5, 0.5).tolist() == [1.0, 1.5]
    assert weighted(np.array([1.5, 12.5]), condensed.weights) == (3 * 1.5 + 12.5) / 4
    found = compare(np.array([1, 2, 3, 6]), np.array([1, 5]), condensed.weights, eps=0.5, estimate=True)
    assert (found.left, found.right, found.holds, found.estimate) == (3.0, 2.0, False, True)
    with pytest.raises(AssertionError, match="the very images"):
        compare(np.ones(3), np.ones(2), condensed.weights, eps=0.5, estimate=True)


def test_the_inequality_can_be_broken_by_a_false_cover():
    """The check is able to fail: radii of zero on a set that is no cover."""
    train = split(seed=3)
    lie = CondensedSet(
        x=train.pixels(slice(1)), y=train.y[:1].copy(), n_classes=3, method="t",
        ball_radius=np.zeros(1), weights=np.array([len(train)]),
    )  # fmt: skip
    models = [linear_model("L2", seed) for seed in range(10)]
    assert not all(sides(train, lie, 0.1, model).holds for model in models)


def test_bound_refuses_sets_without_cover_and_negative_eps():
    train = split()
    plain = CondensedSet(x=train.pixels(slice(2)), y=train.y[:2].copy(), n_classes=3, method="random")
    with pytest.raises(ConfigError, match="needs a cover"):
        radii(plain, 0.1)
    condensed = finish(k_center.condense(train, k_center.Config(ipc=2), n_classes=3, seed=0, device="cpu"))
    with pytest.raises(ConfigError, match="eps must be zero or positive"):
        radii(condensed, -0.1)
