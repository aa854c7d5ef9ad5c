"""The nearest-neighbour certificate: below the exact minimum, which is below every attack; symmetries; its limits."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from core.certificates.line import towards_each
from core.certificates.nearest import Centres, Proven, prove
from core.errors import ConfigError
from core.events import finish

NORMS = ("Linf", "L2", "L1")
CLASSES = (2, 3, 10)
CASES = 60  # for each norm and number of classes: 540 in all
every_norm = pytest.mark.parametrize("norm", NORMS)


def proven(x: np.ndarray, y: np.ndarray, centres: Centres, norm: str, **options) -> Proven:
    return finish(prove(x, y, centres, norm, **options))


def case(seed: int, classes: int, *, images: int = 1, pixels: int | None = None, centres: int | None = None):
    """Images, their classes and centres of every class; pixels are often 0 or 1, as in MNIST."""
    rng = np.random.default_rng(seed)
    d, m = pixels or rng.integers(1, 6), centres or classes + rng.integers(0, 8)
    s = np.clip(rng.random((m, d)) * 1.6 - 0.3, 0, 1)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, m - classes)])
    x = np.clip(rng.random((images, d)) * 1.6 - 0.3, 0, 1)
    nearest = labels[((x[:, None] - s) ** 2).sum(2).argmin(1)]
    return x, nearest.astype(np.int64), Centres.of(s, labels)


def exact(x: np.ndarray, label: int, centres: Centres, norm: str) -> float:
    """The smallest move within the box after which a foreign centre is as near as every own one, by programming.

    For each foreign b the moves d with (b - a) . d >= t_a for all own a are a polyhedron: a linear programme gives its
    point of least Linf or L1 length, and non-negative least squares that of least L2 (Lawson & Hanson 1974, ch. 23).
    """
    own, d = centres.x[centres.y == label], len(x)
    lengths = []
    for b in centres.x[centres.y != label]:
        rows = b - own
        t = (((x - b) ** 2).sum() - ((x - own) ** 2).sum(1)) / 2
        rows, t = np.concatenate([rows, np.eye(d), -np.eye(d)]), np.concatenate([t, -x, x - 1])
        if norm == "L2":
            system = np.vstack([rows.T, t])
            u, _ = nnls(system, np.eye(d + 1)[d], maxiter=1000)
            residual = system @ u - np.eye(d + 1)[d]
            lengths.append(np.linalg.norm(residual[:d] / residual[d]) if abs(residual[d]) > 1e-10 else np.inf)
            continue
        more = 1 if norm == "Linf" else d  # |d_i| <= e, or |d_i| <= e_i
        bound = np.ones((d, 1)) if norm == "Linf" else np.eye(d)
        a_ub = np.block([[-rows, np.zeros((len(rows), more))], [np.eye(d), -bound], [-np.eye(d), -bound]])
        found = linprog(np.r_[np.zeros(d), np.ones(more)], a_ub, np.r_[-t, np.zeros(2 * d)], bounds=(None, None))
        lengths.append(found.fun if found.status == 0 else np.inf)
    return min(lengths)


def length(delta: np.ndarray, norm: str) -> float:
    return float({"Linf": np.abs(delta).max(), "L2": np.sqrt((delta**2).sum()), "L1": np.abs(delta).sum()}[norm])


@every_norm
@pytest.mark.parametrize("classes", CLASSES)
def test_the_certificate_is_below_the_exact_minimum_and_that_is_below_every_attack(norm: str, classes: int):
    fallen = tight = 0
    for seed in range(CASES):
        x, y, centres = case(seed, classes, centres=classes + 8)
        radius, least = proven(x, y, centres, norm).radius[0], exact(x[0], y[0], centres, norm)
        assert radius <= least + 1e-9 and (radius > 0) == (least > 1e-12)
        tight += radius > 0.95 * least
        for eps in (0.5 * least, 0.999 * least, 1.05 * least, 1.5 * least):
            moved, fell = finish(towards_each(x, y, centres, norm, eps))
            assert length(moved - x, norm) <= eps + 1e-9 and moved.min() >= 0 and moved.max() <= 1
            nearest = centres.y[((moved[0] - centres.x) ** 2).sum(1).argmin()]
            assert not fell[0] or not least or (nearest != y[0] and eps > least)
            fallen += bool(fell[0])
    assert fallen > 1.8 * CASES and tight > 0.7 * CASES, "both ends of the bracket should usually meet"


@every_norm
def test_with_one_centre_of_each_class_it_is_the_exact_minimum_and_the_attack_finds_it(norm: str):
    for seed in range(40):
        x, y, centres = case(seed, 2, centres=2, pixels=6)
        radius = proven(x, y, centres, norm).radius[0]
        assert radius == pytest.approx(exact(x[0], y[0], centres, norm), rel=1e-7)
        assert finish(towards_each(x, y, centres, norm, 1.00001 * radius))[1][0]
        assert not finish(towards_each(x, y, centres, norm, 0.99999 * radius))[1][0]


@every_norm
def test_without_the_box_it_is_its_formula_which_is_at_least_the_usual_one_and_at_most_that_with_the_box(norm: str):
    x, y, centres = case(3, 4, images=60, pixels=9, centres=15)
    dual = {
        "Linf": lambda g: np.abs(g).sum(-1),
        "L2": lambda g: np.sqrt((g**2).sum(-1)),
        "L1": lambda g: np.abs(g).max(-1),
    }
    found, boxed = proven(x, y, centres, norm, box=False).radius, proven(x, y, centres, norm).radius
    for i in range(len(x)):
        own, foreign = centres.x[centres.y == y[i]], centres.x[centres.y != y[i]]
        away = ((x[i] - foreign) ** 2).sum(1)[:, None] - ((x[i] - own) ** 2).sum(1)
        needed = away / (2 * dual[norm](foreign[:, None] - own))
        assert found[i] == pytest.approx(needed.max(1).min(), rel=1e-9)
        assert needed.min(0).max() <= found[i] + 1e-12 <= boxed[i] + 2e-12
    assert (boxed > 1.01 * found).mean() > 0.1


@every_norm
def test_order_and_repetition_of_centres_order_and_inversion_of_pixels_change_nothing(norm: str):
    x, y, centres = case(5, 3, images=50, pixels=8, centres=12)
    rng, radius = np.random.default_rng(0), proven(x, y, centres, norm).radius
    order, pixels = rng.permutation(12), rng.permutation(8)
    twice = np.concatenate([np.arange(12), [0, 5, 5, 7]])
    others = [
        proven(x, y, Centres.of(centres.x[order], centres.y[order]), norm),
        proven(x, y, Centres.of(centres.x[twice], centres.y[twice]), norm),
        proven(x[:, pixels], y, Centres.of(centres.x[:, pixels], centres.y), norm),
        proven(1 - x, y, Centres.of(1 - centres.x, centres.y), norm),
    ]
    for other in others:
        np.testing.assert_allclose(other.radius, radius, rtol=1e-9)


@every_norm
def test_without_the_box_a_shift_of_everything_changes_nothing_and_a_stretch_stretches(norm: str):
    x, y, centres = case(6, 3, images=50, pixels=8, centres=12)
    radius = proven(x, y, centres, norm, box=False).radius
    shift = np.random.default_rng(1).normal(size=8)
    moved = proven(x + shift, y, Centres.of(centres.x + shift, centres.y), norm, box=False)
    grown = proven(3 * x, y, Centres.of(3 * centres.x, centres.y), norm, box=False)
    np.testing.assert_allclose(moved.radius, radius, rtol=1e-9)
    np.testing.assert_allclose(grown.radius, 3 * radius, rtol=1e-9)


@every_norm
def test_blocks_and_their_size_change_nothing(norm: str, monkeypatch):
    x, y, centres = case(7, 3, images=30, pixels=5, centres=9)
    whole = proven(x, y, centres, norm).radius
    monkeypatch.setattr("core.certificates.nearest.BLOCK", 9 * 7)
    done = [done for done in prove(x, y, centres, norm) if done]
    assert done == [7, 14, 21, 28, 30] and np.array_equal(proven(x, y, centres, norm).radius, whole)


@every_norm
def test_wrong_images_ties_and_missing_classes(norm: str):
    centres = Centres.of(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), np.array([0, 1, 2]))
    x = np.array([[0.1, 0.5], [0.1, 0.5], [0.9, 0.0], [0.5, 0.3], [0.2, 0.2]])
    found = proven(x, np.array([0, 1, 1, 0, 3]), centres, norm)
    assert found.radius[0] == pytest.approx(0.4) and (found.radius[1:] == 0).all()
    assert found.right.tolist() == [True, False, False, False, False]
    assert found.own.tolist() == [0, 1, 1, 0, -1] and found.foreign[0] == 1
    alone = Centres.of(np.array([[0.2, 0.2]]), np.array([4]))
    assert np.isinf(proven(x, np.full(5, 4), alone, norm).radius).all()
    assert (proven(x, np.zeros(5, np.int64), alone, norm).radius == 0).all()
    assert finish(towards_each(x, np.full(5, 4), alone, norm, 0.5))[1].tolist() == [False] * 5
    assert len(proven(x[:0], np.zeros(0, np.int64), centres, norm).radius) == 0


@every_norm
def test_what_the_box_puts_out_of_reach_is_proven_at_any_distance(norm: str):
    outside = Centres.of(np.array([[0.5], [4.0]]), np.array([0, 1]))
    x, y = np.array([[0.75]]), np.array([0])
    assert np.isinf(proven(x, y, outside, norm).radius[0])
    assert proven(x, y, outside, norm, box=False).radius[0] == pytest.approx(1.5)


@pytest.mark.parametrize("norm", ["Linf", "L1"])
def test_no_radius_is_longer_than_the_exact_fraction_of_grey_steps_and_none_much_shorter(norm: str):
    rng = np.random.default_rng(2)
    steps, labels = rng.integers(0, 256, (8, 30)), np.arange(8) % 3
    x = rng.integers(0, 256, (200, 30))
    squared = ((x[:, None] - steps) ** 2).sum(2)
    y = labels[squared.argmin(1)]
    found = proven(x / 255, y, Centres.of(steps / 255, labels), norm, box=False)
    g = np.abs(steps[:, None] - steps)
    dual = g.sum(2) if norm == "Linf" else g.max(2)
    for i in range(len(x)):
        own, foreign = np.flatnonzero(labels == y[i]), np.flatnonzero(labels != y[i])
        needed = [
            max(Fraction(int(squared[i, b] - squared[i, a]), int(2 * 255 * dual[a, b])) for a in own) for b in foreign
        ]
        assert min(needed) - Fraction(1, 10**10) <= Fraction(found.radius[i]) <= min(needed)


def test_what_does_not_fit_is_refused_in_a_sentence():
    x, y, centres = case(1, 3, images=4, pixels=5)
    with pytest.raises(ConfigError, match="Linf, L2, L1"):
        proven(x, y, centres, "L3")
    with pytest.raises(ConfigError, match="4 pixels, the centres 5"):
        proven(x[:, :4], y, centres, "L2")
    with pytest.raises(ConfigError, match="labelled images, got 0"):
        Centres.of(np.zeros((0, 5)), np.zeros(0))
    with pytest.raises(ConfigError, match="finite"):
        Centres.of(np.full((1, 5), np.nan), np.zeros(1))
