"""Covers against brute force, limits and properties."""

from itertools import combinations
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.covering.compose import apart, cover_by_candidates, cover_in_shards, cover_shards
from core.covering.cover import cover_by, farthest_points, greedy
from core.covering.distances import Metric, flat, keys_between
from core.covering.fixed_budget import cover_budget
from core.covering.fixed_radius import cover_radius
from core.covering.graph import ball_graph
from core.covering.lower import Relaxation, dual_bound
from core.covering.proof import Core, undominated
from core.covering.search import Search
from core.covering.solve import Clock, Effort
from core.errors import ResourceError
from core.events import finish

NORMS = ("L2", "Linf", "L1")
QUICK = Effort(steps=2_000)


def smallest_cover(keys, threshold):
    """Fewest centres, by trying all subsets."""
    n = len(keys)
    for k in range(1, n + 1):
        for centres in combinations(range(n), k):
            if (keys[list(centres)].min(0) <= threshold).all():
                return k
    raise AssertionError


def smallest_key(keys, k):
    """Smallest radius of k centres, by trying all subsets."""
    k = min(k, len(keys))
    return min(keys[list(centres)].min(0).max() for centres in combinations(range(len(keys)), k))


points = st.integers(1, 11).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=n, max_size=n)
)


def rows_of(pairs, levels):
    """Pixels of one pair an image: grey steps or floats."""
    array = np.array(pairs)
    return array.astype(np.uint8) if levels else array.astype(np.float64) / 7


@settings(max_examples=60, deadline=None)
@given(points, st.sampled_from(NORMS), st.sampled_from([7, 0]), st.floats(0, 1.5))
def test_fixed_radius_equals_brute_force(pairs, norm, levels, radius):
    metric = Metric(norm, levels)
    rows, threshold = rows_of(pairs, levels), metric.threshold(radius)
    keys = keys_between(rows, rows, metric)
    step, best = finish(cover_radius(rows, metric, threshold, QUICK, 0)), smallest_cover(keys, threshold)
    assert (keys[step.centres].min(0) <= threshold).all()
    assert len(step.centres) == step.lower_k == best
    assert step.proven
    graph = ball_graph(rows, metric, threshold)
    taken = greedy(graph)
    assert best <= len(taken) <= best * fsum(1 / i for i in range(1, graph.degree.max() + 1)) + 1e-9


@settings(max_examples=60, deadline=None)
@given(points, st.sampled_from(NORMS), st.sampled_from([7, 0]), st.integers(1, 12))
def test_fixed_budget_equals_brute_force(pairs, norm, levels, k):
    metric = Metric(norm, levels)
    rows = rows_of(pairs, levels)
    keys = keys_between(rows, rows, metric)
    step, best = finish(cover_budget(rows, metric, k, QUICK, 0)), smallest_key(keys, k)
    assert len(step.centres) == min(k, len(np.unique(rows, axis=0)))
    assert keys[step.centres].min(0).max() == step.key == best
    assert step.proven
    assert step.lower_key == best
    far = farthest_points(rows, k, metric)
    assert metric.radius(keys[far].min(0).max()) <= 2 * metric.radius(best) + 1e-12


def cloud(n, seed, d=3):
    """n random 8-bit images of d pixels."""
    return np.random.default_rng(seed).integers(0, 256, (n, d), dtype=np.uint8)


@pytest.mark.parametrize("norm", NORMS)
def test_bound_below_cover_below_greedy_on_larger_clouds(norm):
    rows, metric = cloud(300, 3), Metric(norm, 255)
    step = finish(cover_radius(rows, metric, metric.threshold(0.3), Effort(steps=5_000), 0))
    graph = ball_graph(rows, metric, metric.threshold(0.3))
    assert step.lower_k <= len(step.centres) <= len(greedy(graph))
    assert (keys_between(rows[step.centres], rows, metric).min(0) <= metric.threshold(0.3)).all()


def test_more_radius_needs_no_more_centres_and_more_centres_no_more_radius():
    rows, metric = cloud(80, 4), Metric("L2", 255)
    counts = [finish(cover_radius(rows, metric, metric.threshold(r), QUICK, 0)) for r in (0.1, 0.2, 0.4, 0.8, 1.8)]
    assert all(step.proven for step in counts)
    assert [len(s.centres) for s in counts] == sorted((len(s.centres) for s in counts), reverse=True)
    radii = [finish(cover_budget(rows, metric, k, QUICK, 0)) for k in (1, 2, 4, 8, 16, 79, 80)]
    assert all(step.proven for step in radii)
    assert [s.key for s in radii] == sorted((s.key for s in radii), reverse=True)
    assert radii[-1].key == 0


def test_the_two_problems_are_inverse_to_each_other():
    rows, metric = cloud(60, 5), Metric("Linf", 255)
    budget = finish(cover_budget(rows, metric, 6, QUICK, 0))
    assert len(finish(cover_radius(rows, metric, budget.key, QUICK, 0)).centres) <= 6
    assert finish(cover_radius(rows, metric, budget.key - 1, QUICK, 0)).lower_k > 6


@pytest.mark.parametrize("levels", [255, 0])
def test_radius_zero_keeps_every_distinct_image_and_infinity_one(levels):
    rows = cloud(30, 6)
    rows = np.vstack([rows, rows[:10]])
    rows = rows if levels else rows / 255.0
    metric = Metric("L2", levels)
    assert len(finish(cover_radius(rows, metric, metric.threshold(0.0), QUICK, 0)).centres) == 30
    step = finish(cover_radius(rows, metric, metric.threshold(float("inf")), QUICK, 0))
    assert len(step.centres) == 1
    assert step.proven


@pytest.mark.parametrize("k", [1, 3, 10])
def test_equal_images_need_one_centre(k):
    rows, metric = np.full((10, 4), 9, np.uint8), Metric("L1", 255)
    step = finish(cover_budget(rows, metric, k, QUICK, 0))
    assert (len(step.centres), step.key, step.proven) == (1, 0, True)
    assert len(finish(cover_radius(rows, metric, 0, QUICK, 0)).centres) == 1


def test_same_seed_same_centres():
    rows, metric = cloud(200, 7), Metric("L2", 255)
    for solve in (
        lambda seed: cover_radius(rows, metric, metric.threshold(0.25), Effort(steps=500, rounds=0), seed),
        lambda seed: cover_budget(rows, metric, 12, Effort(steps=500, rounds=0), seed),
    ):
        np.testing.assert_array_equal(finish(solve(3)).centres, finish(solve(3)).centres)


def test_assignment_is_to_the_nearest_centre_and_centres_belong_to_themselves():
    rows, metric = np.vstack([cloud(50, 8), cloud(50, 8)[:5]]), Metric("L2", 255)
    cover = cover_by(rows, np.array([0, 50, 7, 30]), metric)  # row 50 equals row 0
    keys = keys_between(rows, rows[cover.centres], metric)
    np.testing.assert_array_equal(keys[np.arange(55), cover.assignment], keys.min(1))
    np.testing.assert_array_equal(cover.assignment[cover.centres], np.arange(4))
    assert cover.weights.sum() == 55
    for s in range(4):
        assert cover.ball_key[s] == keys[cover.assignment == s, s].max()
    assert cover.key == keys.min(1).max()


def test_local_search_keeps_its_books():
    """After many exchanges the uncovered count is that of its centres, recounted."""
    rows, metric = cloud(150, 9), Metric("L2", 255)
    graph = ball_graph(rows, metric, metric.threshold(0.25))
    search = Search(graph, greedy(graph), 1)
    for _ in range(20):
        search.drop()
        search.run(50)
        covered = np.zeros(150, bool)
        for c in search.centres:
            covered[graph.row(c)] = True
        assert search.uncovered == (~covered).sum()
        assert len(np.unique(search.centres)) == len(search.centres)


def test_dual_bound_is_valid_for_any_prices():
    rows, metric, rng = cloud(11, 10), Metric("L2", 255), np.random.default_rng(0)
    threshold = metric.threshold(0.4)
    graph, best = ball_graph(rows, metric, threshold), smallest_cover(keys_between(rows, rows, metric), threshold)
    for _ in range(200):
        assert dual_bound(graph, np.arange(11), rng.integers(0, 1_000, 11)) <= best


def test_relaxation_of_a_fan_is_its_known_optimum():
    """Five points on a circle, each within reach of its two neighbours: fractional optimum 5/3, whole 2."""
    angle = 2 * np.pi * np.arange(5) / 5
    rows, metric = np.stack([np.cos(angle), np.sin(angle)], 1), Metric("L2", 0)
    graph = ball_graph(rows, metric, metric.threshold(1.2))
    relaxation = Relaxation(graph)
    assert finish(relaxation.solve(5, 10, Clock(60))) == 2
    assert relaxation.value == pytest.approx(5 / 3)


def test_core_without_dominated_columns_has_the_same_optimum():
    metric = Metric("L2", 255)
    for seed in range(10):
        rows = cloud(12, 20 + seed)
        threshold = metric.threshold(0.45)
        graph = ball_graph(rows, metric, threshold)
        best = smallest_cover(keys_between(rows, rows, metric), threshold)
        core = Core(graph, np.arange(12), 10_000)
        assert finish(core.solve(99, 1_000, Clock(60))) == best
        assert core.covers
        assert len(core.centres) == best
        kept, sets = undominated(graph, np.arange(12)), [set(graph.row(c)) for c in range(12)]
        for c in range(12):
            assert (c in kept) or any(sets[c] <= sets[d] for d in kept)
            assert c not in kept or not any(sets[c] < sets[d] for d in range(12))


def test_composed_covers_add_their_radii_and_candidates_keep_the_radius():
    rows, metric = cloud(240, 11), Metric("L2", 255)
    shards, threshold = [rows[:80], rows[80:160], rows[160:]], metric.threshold(0.2)
    centres = finish(cover_shards(shards, metric, threshold, QUICK, 0))
    union = np.vstack([shards[i][centres[i]] for i in range(3)])
    second = finish(cover_radius(union, metric, metric.threshold(0.3), QUICK, 0)).centres
    nearest = keys_between(rows, union[second], metric).min(1).max()
    assert metric.radius(int(nearest)) <= 0.2 + 0.3
    chosen = cover_by_candidates(shards, union, metric, threshold)
    assert keys_between(rows, union[chosen], metric).min(1).max() <= threshold
    assert len(chosen) <= len(union)


def test_shards_resume_where_they_were():
    rows, metric = cloud(90, 12), Metric("L2", 255)
    shards = [rows[:30], rows[30:60], rows[60:]]
    whole = list(cover_shards(shards, metric, metric.threshold(0.3), QUICK, 0))
    resumed = list(cover_shards(shards, metric, metric.threshold(0.3), QUICK, 0, finished=whole[0]))
    assert len(resumed) == 2
    for number in range(3):
        np.testing.assert_array_equal(whole[-1][number], resumed[-1][number])


@pytest.mark.parametrize("norm", ["L2", "Linf", "L1"])
@pytest.mark.parametrize("seed", range(4))
def test_a_cover_in_shards_holds_everything_within_the_radius_and_its_bound_is_true(norm, seed):
    rows, metric = cloud(120, 20 + seed), Metric(norm, 255)
    keys = keys_between(rows, rows, metric)
    threshold = int(np.quantile(keys[keys > 0], 0.2))
    direct = finish(cover_radius(rows, metric, threshold, QUICK, 0))
    steps = list(cover_in_shards(rows, metric, threshold, QUICK, seed, 4))
    for step in steps:
        assert keys[step.centres].min(0).max() <= threshold
    sizes = [len(step.centres) for step in steps]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 120
    assert 1 <= steps[-1].lower_k <= len(direct.centres)
    assert sizes[-1] >= direct.lower_k


def test_images_apart_never_share_a_ball():
    rows, metric = cloud(60, 30), Metric("L2", 255)
    keys = keys_between(rows, rows, metric)
    threshold = int(np.quantile(keys[keys > 0], 0.05))
    found = apart(rows, metric, threshold)
    assert len(found) > 1
    assert ((keys[found] <= threshold).sum(0) <= 1).all()


def test_one_shard_of_one_image_and_more_shards_than_images_work():
    rows, metric = cloud(5, 31), Metric("L2", 255)
    assert finish(cover_in_shards(rows[:1], metric, 0, QUICK, 0, 3)).proven
    whole = finish(cover_in_shards(rows, metric, 0, QUICK, 0, 50))
    assert len(whole.centres) == len(np.unique(rows, axis=0)) and whole.proven


def test_candidates_that_would_not_fit_are_refused():
    rows, metric = cloud(100, 32), Metric("L2", 255)
    with pytest.raises(ResourceError, match="lists of the candidates"):
        cover_by_candidates([rows], rows, metric, metric.threshold(9.0), memory=1_000)


def test_closing_in_the_middle_stops_the_work_and_its_thread():
    import threading

    rows, metric = cloud(300, 13), Metric("L2", 255)
    before = threading.active_count()
    work = cover_budget(rows, metric, 20, Effort(steps=10_000_000, entries=10**9, nodes=10**6), 0)
    for _ in range(8):
        next(work)
    work.close()
    assert threading.active_count() == before


def test_a_time_limit_that_strikes_is_recorded():
    rows, metric = cloud(200, 14), Metric("L2", 255)
    step = finish(cover_budget(rows, metric, 15, Effort(seconds=1e-6), 0))
    assert step.struck
    assert not step.proven
    assert len(step.centres) == 15
    threshold = metric.threshold(0.3)
    assert finish(cover_in_shards(rows, metric, threshold, Effort(seconds=1e-6), 0, 2)).struck
    assert not finish(cover_in_shards(rows, metric, threshold, QUICK, 0, 2)).struck


def test_float_rows_come_from_float32_images():
    x = np.random.default_rng(0).random((20, 1, 1, 2), dtype=np.float32)
    metric = Metric("L2", 0)
    assert finish(cover_budget(flat(x, metric), metric, 4, QUICK, 0)).proven
