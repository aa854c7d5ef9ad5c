"""Regions of the plane that are proven at eps are those of the certificate, point by point, and nothing else."""

import numpy as np
import pytest

from core.certificates.nearest import Centres, prove
from core.certificates.regions import area, clip, minus, regions
from core.events import finish

NORMS = ("Linf", "L2", "L1")
BORDER = 1e-9  # points that are nearer to a border than this are left out


def within(polygon: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) bool by the signs of all corners, another way than clipping."""
    edge = np.roll(polygon, -1, 0) - polygon
    away = points[:, None] - polygon
    return (edge[:, 0] * away[..., 1] - edge[:, 1] * away[..., 0] >= -1e-12).all(1)


def case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes, m = rng.integers(2, 5), rng.integers(4, 14)
    return rng.random((m, 2)), np.r_[np.arange(classes), rng.integers(0, classes, m - classes)].astype(np.int64)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("eps", [0.01, 0.05, 0.15])
def test_a_point_is_in_a_region_exactly_where_it_is_proven(norm: str, eps: float):
    rng, inside, boxed = np.random.default_rng(0), 0, 0
    for seed in range(5):
        s, labels = case(seed)
        points = np.concatenate([rng.random((200, 2)), np.round(rng.random((100, 2)))])
        points[200:, 0] = rng.random(100)  # and on two sides of the square
        found = regions(s, labels, norm, eps)
        for label, parts in found.items():
            y = np.full(len(points), label)
            radius = finish(prove(points, y, Centres.of(s, labels), norm, box=norm != "L2")).radius
            drawn = np.sum([within(part, points) for part in parts], axis=0) if parts else np.zeros(len(points))
            far = np.abs(radius - eps) > BORDER * eps
            assert ((drawn > 0) == (radius > eps))[far].all(), (seed, label)
            assert not (drawn > 0)[radius < eps * (1 - 1e-9)].any(), "nothing is drawn that is not proven"
            inside += (drawn > 0).sum()
            plain = finish(prove(points, y, Centres.of(s, labels), norm, box=False)).radius
            boxed += ((plain < eps) & (radius > eps)).sum()
    assert inside > 100 and (boxed or eps < 0.1 or norm == "L2"), "the sides of the square should matter somewhere"


def test_a_corner_that_lies_on_a_border_hides_no_hole():
    """Centres on a grid: clipping gives a corner twice, and an edge without length once left its hole undrawn."""
    s = np.array([[0.5, 0.875], [0, 1], [0.375, 1], [0.125, 0.625], [0.5, 0.5], [0.25, 0]])
    labels = np.array([0, 1, 0, 1, 0, 1])
    steps = (np.arange(60) + 0.5) / 60
    points = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    for norm in NORMS:
        for label, parts in regions(s, labels, norm, 0.2).items():
            radius = finish(prove(points, np.full(len(points), label), Centres.of(s, labels), norm, box=norm != "L2"))
            share = (radius.radius > 0.2).mean()
            assert sum(map(area, parts)) == pytest.approx(share, abs=0.01), (norm, label)


@pytest.mark.parametrize("norm", NORMS)
def test_regions_fill_the_square_at_0_shrink_with_eps_and_never_overlap(norm: str):
    s, labels = case(3)
    before = None
    for eps in (0.0, 0.02, 0.05, 0.1, 0.2, 2.0):
        found = regions(s, labels, norm, eps)
        sizes = {label: sum(map(area, parts)) for label, parts in found.items()}
        assert all(area(part) > 0 for parts in found.values() for part in parts)
        assert eps or sum(sizes.values()) == pytest.approx(1)
        assert before is None or all(sizes[label] <= before[label] + 1e-12 for label in sizes)
        assert all(np.all((part >= -1e-12) & (part <= 1 + 1e-12)) for parts in found.values() for part in parts)
        before = sizes
    assert sum(before.values()) == 0


def test_one_class_has_the_whole_square_and_twins_of_two_classes_prove_nothing():
    assert sum(map(area, regions(np.array([[0.2, 0.3]]), np.array([4]), "L2", 0.5)[4])) == 1
    twins = regions(np.array([[0.2, 0.3], [0.2, 0.3]]), np.array([0, 1]), "Linf", 0.01)
    assert twins == {0: [], 1: []}


def test_clipping_and_holes_keep_the_area():
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    assert area(clip(square, np.array([1.0, 1.0]), 1.0)) == pytest.approx(0.5)
    assert len(clip(square, np.array([1.0, 0.0]), 2.0)) == 0
    hole = np.array([[0.25, 0.25], [0.75, 0.25], [0.5, 0.75]])
    assert sum(map(area, minus(square, hole))) == pytest.approx(1 - area(hole))
    assert sum(map(area, minus(square, hole + 5))) == pytest.approx(1) and minus(hole, square) == []
