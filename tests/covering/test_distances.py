"""Keys are exact, and thresholds agree with them at the boundary."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.covering.distances import Metric, flat, keys_between
from core.covering.graph import all_keys, ball_graph, graph_of_keys, sorted_graph
from core.errors import ConfigError, ResourceError

NORMS = ("L2", "Linf", "L1")


def slow_keys(a, b, norm):
    """All pairs by plain subtraction in int64 or float64."""
    step = np.abs(a[:, None].astype(np.int64 if a.dtype == np.uint8 else float) - b[None])
    return {"L2": (step * step).sum(-1), "L1": step.sum(-1), "Linf": step.max(-1)}[norm]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("pixels", "levels"), [(1, 255), (784, 255), (3072, 255), (64, 16), (9, 1), (40_000, 255)])
def test_integer_keys_are_exact(norm, pixels, levels):
    rng = np.random.default_rng(pixels)
    a = rng.integers(0, levels + 1, (7, pixels), dtype=np.uint8)
    b = np.vstack([np.zeros(pixels), np.full(pixels, levels), a[0]]).astype(np.uint8)
    keys = keys_between(a, b, Metric(norm, levels))
    assert keys.dtype.kind == "i"
    np.testing.assert_array_equal(keys, slow_keys(a, b.astype(np.int64), norm))


@pytest.mark.parametrize("norm", NORMS)
def test_float_keys_match_plain_subtraction(norm):
    x = np.random.default_rng(0).random((9, 1, 5, 5), dtype=np.float32)
    metric = Metric(norm, 0)
    rows = flat(x, metric)
    np.testing.assert_allclose(keys_between(rows, rows, metric), slow_keys(rows, rows, norm), rtol=1e-13)


@settings(max_examples=200, deadline=None)
@given(key=st.integers(0, 50_000_000), norm=st.sampled_from(NORMS), levels=st.sampled_from([1, 16, 255]))
def test_a_radius_read_off_a_pair_covers_that_pair_and_no_longer_one(key, norm, levels):
    metric = Metric(norm, levels)
    assert metric.threshold(metric.radius(key)) == key
    below = float(np.nextafter(metric.radius(key), 0))
    assert metric.threshold(below) == max(0, key - 1) or key == 0


@settings(max_examples=200, deadline=None)
@given(radius=st.floats(0, 100), norm=st.sampled_from(NORMS))
def test_threshold_is_the_floor_in_exact_fractions_but_for_rounding(radius, norm):
    exact = Fraction(radius) * 255
    exact = exact * exact if norm == "L2" else exact
    key = Metric(norm, 255).threshold(radius)
    assert abs(key - exact) <= 1 + 1e-9 * exact
    assert Metric(norm, 255).radius(key) <= radius < Metric(norm, 255).radius(key + 1)


@settings(max_examples=200, deadline=None)
@given(radius=st.floats(0, 1e3), norm=st.sampled_from(NORMS))
def test_float_threshold_is_the_last_float_inside(radius, norm):
    metric = Metric(norm, 0)
    key = metric.threshold(radius)
    assert metric.radius(key) <= radius < metric.radius(np.nextafter(key, np.inf))


def test_eight_grey_steps_are_eight_grey_steps():
    assert Metric("Linf", 255).threshold(8 / 255) == 8
    assert Metric("Linf", 255).threshold(3 / 255) == 3
    assert Metric("L2", 255).threshold(8.0) == (8 * 255) ** 2
    assert Metric("Linf", 16).threshold(0.25) == 4


def test_integer_keys_keep_the_pair_that_float_distances_lose():
    """In float32 pixels many pairs at an observed distance fall outside a ball of just that distance."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (60, 784), dtype=np.uint8)
    metric = Metric("L2", 255)
    keys = keys_between(x, x, metric)
    pixels = x.astype(np.float32) / np.float32(255)
    lost = 0
    for i in range(0, 60, 2):
        radius = metric.radius(int(keys[i, i + 1]))
        lost += np.linalg.norm(pixels[i] - pixels[i + 1]) > np.float32(radius) * np.float32(1)
        assert keys[i, i + 1] <= metric.threshold(radius)
    assert lost > 0


@pytest.mark.parametrize("radius", [-1.0, float("nan")])
def test_a_radius_below_zero_is_refused(radius):
    with pytest.raises(ConfigError, match="radius must be zero or positive"):
        Metric("L2", 255).threshold(radius)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("radius", [0.0, 0.3, float("inf")])
def test_the_three_ways_to_a_graph_agree_with_the_definition(norm, radius):
    rows = np.random.default_rng(2).integers(0, 256, (50, 6), dtype=np.uint8)
    metric = Metric(norm, 255)
    threshold, keys = metric.threshold(radius), all_keys(rows, metric)
    near = slow_keys(rows, rows.astype(np.int64), norm) <= threshold
    shrunk = sorted_graph(keys, np.iinfo(np.int64).max).within(threshold)
    for graph in (ball_graph(rows, metric, threshold), graph_of_keys(keys, threshold), shrunk):
        for i in range(50):
            assert sorted(graph.row(i)) == np.flatnonzero(near[i]).tolist()


def test_memory_limits_are_refused_with_what_would_fit():
    rows = np.zeros((5_000, 4), np.uint8)
    with pytest.raises(ResourceError, match=r"needs about \d+ MB, more than the limit of 90 MB; \d+ images"):
        all_keys(rows, Metric("L2", 255), memory=90_000_000)
    with pytest.raises(ResourceError, match=r"ball graph of 5000 images .* would fit"):
        ball_graph(rows, Metric("L2", 255), 0, memory=90_000_000)
