"""Intervals against scipy and by simulation; gain over random and distance to the full data by hand."""

from math import sqrt
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from core.settings.study import Study, plan
from core.study.intervals import T975, difference, of_mean, overlap, wilson
from core.study.table import table
from tests.study.test_study import SMALL, record


def test_quantiles_are_those_of_student():
    wanted = [stats.t.ppf(0.975, degrees) for degrees in range(1, len(T975) + 1)]
    assert pytest.approx(wanted, abs=2e-6) == list(T975)


@pytest.mark.parametrize(("right", "images"), [(0, 10), (3, 10), (50, 100), (100, 100)])
def test_the_interval_of_one_seed_is_wilsons(right: int, images: int):
    found = stats.binomtest(right, images).proportion_ci(0.95, method="wilson")
    assert of_mean([right / images], images) == pytest.approx((found.low, found.high))


def test_the_wider_of_seeds_and_images_stands():
    apart, close = [0.2, 0.5, 0.8], [0.5, 0.5, 0.5]
    low, high = of_mean(apart, 3000)
    half = stats.t.ppf(0.975, 2) * np.std(apart, ddof=1) / sqrt(3)
    assert (low, high) == pytest.approx((max(0, 0.5 - half), min(1, 0.5 + half)), abs=1e-6)
    assert of_mean(close, 300) == wilson(0.5, 300)


def test_a_difference_is_newcombes_and_covers_what_is_true():
    found = difference(56 / 70, wilson(56 / 70, 70), 48 / 80, wilson(48 / 80, 80))  # Newcombe 1998, table II, example a
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    generator = np.random.default_rng(0)
    inside = []
    for _ in range(1000):
        a, b = generator.binomial(100, 0.7) / 100, generator.binomial(100, 0.6) / 100
        one = difference(a, wilson(a, 100), b, wilson(b, 100))
        inside.append(one.low <= 0.1 <= one.high)
    assert fmean(inside) > 0.93


def test_overlapping_means_a_point_in_common():
    assert overlap((0.1, 0.3), (0.3, 0.4)) and overlap((0.1, 0.9), (0.3, 0.4)) and not overlap((0.1, 0.2), (0.3, 0.4))


def test_gain_and_distance_are_of_the_same_budget_training_and_attack():
    study = Study(**{**SMALL, "methods": ("random", "k-center"), "reference_seeds": 1, "trainings": ("standard",)})
    numbers = {("full", None): 0.9, ("random", 1): 0.3, ("random", 2): 0.5, ("k-center", 1): 0.4, ("k-center", 2): 0.45}
    made = {}
    for cell in plan(study):
        value = numbers[cell.method, cell.ipc] - cell.eps
        made[cell.digest] = record(cell, clean=value, pgd=value, attacked=value / 2)
    rows = {(row.method, row.ipc, row.eps): row for row in table(study, lambda cell: made.get(cell.digest))}
    for eps in study.eps:
        one, two = rows["k-center", 1, eps], rows["k-center", 2, eps]
        assert (one.clean_gain.value, two.clean_gain.value) == pytest.approx((0.1, -0.05))
        assert (one.attacked_gain.value, one.clean_distance.value) == pytest.approx((0.05, 0.5))
        assert one.attacked_distance.value == pytest.approx(0.25)
        assert one.clean_gain.low < 0.1 < one.clean_gain.high
        assert rows["random", 1, eps].clean_gain is None and rows["random", 1, eps].clean_distance is not None
        assert rows["full", None, eps].clean_gain is None and rows["full", None, eps].clean_distance is None
        assert (one.clean_images, one.attacked_images) == (2 * study.images, 2 * study.attack_images)
