"""No bound is above the truth and nothing is called proven that is not: clustered classes against all subsets.

Uniform clouds hid what clusters show: a searched cover whose centres lie close together, and radii that fall by a
factor of ten from one number of centres to the next.
"""

import numpy as np
import pytest

from core.covering.compose import apart, cover_in_shards
from core.covering.cover import farthest_points
from core.covering.distances import Metric, keys_between
from core.covering.fixed_budget import Budget, cover_budget
from core.covering.fixed_radius import cover_radius
from core.covering.frontier import Frontier, frontier
from core.covering.graph import closest, graph_of_keys
from core.covering.lower import Relaxation
from core.covering.solve import Clock, Effort, Step
from core.events import finish
from tests.covering.clusters import NORMS, fewest, problem, smallest_keys

EFFORTS = (Effort(steps=20, rounds=1, nodes=0), Effort(steps=300), Effort(steps=300, nodes=0))
TWELVE = np.array([
    (202, 200, 96, 102), (202, 196, 2, 196), (202, 202, 100, 98), (200, 96, 4, 2), (0, 104, 198, 4), (196, 200, 2, 196),
    (102, 196, 204, 196), (100, 198, 202, 196), (200, 202, 104, 96), (204, 100, 0, 0), (0, 98, 204, 4),
    (200, 204, 0, 202),
], np.uint8)  # fmt: skip


def told(work):
    """Everything that work hands out, its result included."""
    yield (yield from work)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(3))
def test_the_frontier_of_five_groups_of_images_is_the_true_one(norm, seed):
    """Four searched centres lie close to each other in pairs; with a fifth the radius falls to 6 grey steps."""
    metric = Metric(norm, 255)
    best = smallest_keys(keys_between(TWELVE, TWELVE, metric))
    found = finish(frontier(TWELVE, metric, 12, Effort(steps=1_000), seed))
    assert found.radius.tolist() == found.lower.tolist() == [metric.radius(key) for key in best[1:]]
    assert found.proven.all()
    if norm == "Linf":
        assert found.radius[4] == 6 / 255


@pytest.mark.parametrize("block", range(6))
def test_frontiers_of_clusters_claim_nothing_false(block):
    for seed in range(20 * block, 20 * block + 20):
        rows, metric, _ = problem(seed)
        keys = keys_between(rows, rows, metric)
        best = [metric.radius(key) for key in smallest_keys(keys)[1:]]
        work = frontier(rows, metric, len(rows), EFFORTS[seed // 15 % 3], seed)
        for found in told(work):
            for k, (radius, lower, proven) in enumerate(zip(found.radius, found.lower, found.proven, strict=True)):
                assert lower <= best[k] <= radius, (seed, k)
                assert not proven or radius == best[k], (seed, k)
                assert metric.radius(keys[found.centres[k]].min(0).max().item()) == radius
        assert len(found.radius) == len(np.unique(rows, axis=0)) and found.radius[-1] == 0
        assert (np.diff(found.radius) <= 0).all()


@pytest.mark.parametrize("block", range(5))
def test_budgets_of_clusters_claim_nothing_false(block):
    for seed in range(50 * block, 50 * block + 50):
        rows, metric, rng = problem(seed)
        keys, k = keys_between(rows, rows, metric), int(rng.integers(1, len(rows) + 1))
        best = smallest_keys(keys)[k]
        for step in cover_budget(rows, metric, k, EFFORTS[seed // 15 % 3], seed):
            assert step.lower_key <= best <= step.key == keys[step.centres].min(0).max(), seed
            assert not step.proven or step.key == best, seed
        assert len(step.centres) <= k


@pytest.mark.parametrize("block", range(5))
def test_a_budget_believes_nothing_of_the_cover_it_starts_from(block):
    """Any k centres may be handed over: bad ones, close ones, duplicates of each other."""
    for seed in range(40 * block, 40 * block + 40):
        rows, metric, rng = problem(seed)
        keys, k = keys_between(rows, rows, metric), int(rng.integers(1, len(rows)))
        best, centres = smallest_keys(keys)[k], rng.choice(len(rows), k, replace=False)
        start = Step(centres=centres, key=keys[centres].min(0).max().item())
        if start.key == 0:
            continue
        solver = Budget(keys, metric, k, EFFORTS[seed // 15 % 3], seed, Clock(60), start)
        assert solver.step.lower_key <= best, seed
        solver.refute_half(rng.choice(len(rows), k + 1, replace=False))
        assert solver.step.lower_key <= best, seed
        for step in solver.run():
            assert step.lower_key <= best <= step.key, seed
        assert not step.proven or step.key == best, seed


@pytest.mark.parametrize("block", range(5))
def test_radii_and_shards_of_clusters_claim_nothing_false(block):
    for seed in range(40 * block, 40 * block + 40):
        rows, metric, rng = problem(seed)
        keys = keys_between(rows, rows, metric)
        threshold = rng.choice(np.unique(keys)).item() * float(rng.choice([1, 1, 1.01]))
        few = fewest(smallest_keys(keys), threshold)
        for work in (
            cover_radius(rows, metric, threshold, EFFORTS[seed // 15 % 3], seed),
            cover_in_shards(rows, metric, threshold, EFFORTS[seed // 15 % 3], seed, int(rng.integers(1, 5))),
        ):
            for step in work:
                assert step.lower_k <= few <= len(step.centres), seed
                assert not step.proven or len(step.centres) == few, seed
                assert keys[step.centres].min(0).max() <= threshold, seed


@pytest.mark.parametrize("norm", NORMS)
def test_the_first_bound_of_a_budget_is_half_the_distance_that_is_there(norm):
    """Farthest points give the known half of their radius; close centres give half of what separates them."""
    rows, metric = np.array([[0], [2], [40], [42], [100]], np.uint8), Metric(norm, 255)
    keys, key = keys_between(rows, rows, metric), (lambda steps: steps**2 if norm == "L2" else steps)
    for centres, nearest in ((farthest_points(rows, 2, metric), 40), (np.array([0, 1]), 2)):
        solver = Budget(keys, metric, 2, EFFORTS[0], 0, Clock(60), Step(centres=centres, key=key(100)))
        assert closest(keys, np.append(centres, keys[centres].min(0).argmax())) <= key(nearest)
        assert metric.widest(solver.low) < key(nearest) <= metric.widest(solver.low + 1)
    assert smallest_keys(keys)[2] == key(40)


@pytest.mark.parametrize("norm", NORMS)
def test_an_image_halfway_between_two_others_holds_both_whatever_its_floats_round_to(norm):
    metric = Metric(norm, 0)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        middle, step = rng.random(8), rng.random(8) * 0.3
        rows = np.stack([middle - step, middle, middle + step])
        keys = keys_between(rows, rows, metric)
        assert len(apart(rows, metric, keys[1].max().item())) == 1, seed


def test_images_more_than_two_radii_apart_are_counted():
    """The margin for floats is too small to see: a thousandth beyond two radii is apart in every norm."""
    for norm in NORMS:
        metric, rows = Metric(norm, 0), np.array([[0.0], [0.2002]])
        assert len(apart(rows, metric, metric.threshold(0.1))) == 2
        assert metric.radius(metric.too_small(metric.threshold(0.2))) == pytest.approx(0.1, rel=1e-8)


def test_a_bound_above_what_was_found_is_never_handed_out():
    two = np.array([0, 1])
    with pytest.raises(AssertionError, match="false proof: the key of the radius is at least 5"):
        Step(centres=two, key=4, lower_key=5)
    with pytest.raises(AssertionError, match="false proof: the number of centres is at least 3"):
        Step(centres=two, key=4, lower_k=3)
    with pytest.raises(AssertionError, match="called proven"):
        Step(centres=two, key=4, lower_key=3, proven=True)
    with pytest.raises(AssertionError, match="false proof: the radius of 2 centres"):
        Frontier(np.array([2.0, 0.5]), np.array([2.0, 1.0]), np.array([True, True]), (two[:1], two))


def test_a_programme_without_rows_to_begin_with_takes_its_own():
    """The time may be up before any row had a price; the next programme must still have rows."""
    rows, metric = np.arange(9, dtype=np.uint8)[:, None] * 10, Metric("L1", 255)
    graph = graph_of_keys(keys_between(rows, rows, metric), 10)
    assert finish(Relaxation(graph, np.empty(0, np.int64)).solve(9, 10, Clock(60))) == 3
