"""The frontier is the sequence of smallest radii."""

from itertools import combinations

import numpy as np
import pytest

from core.covering.distances import Metric, keys_between
from core.covering.fixed_budget import cover_budget
from core.covering.frontier import frontier
from core.covering.solve import Effort
from core.events import finish

QUICK = Effort(steps=500)


@pytest.mark.parametrize("norm", ["L2", "Linf", "L1"])
@pytest.mark.parametrize("seed", range(5))
def test_frontier_equals_brute_force(norm, seed):
    rows = np.random.default_rng(seed).integers(0, 5, (10, 2), dtype=np.uint8)
    metric = Metric(norm, 5)
    keys, distinct = keys_between(rows, rows, metric), len(np.unique(rows, axis=0))
    found = finish(frontier(rows, metric, 10, QUICK, 0))
    assert len(found.radius) == distinct
    assert found.proven.all()
    for k in range(1, distinct + 1):
        best = min(keys[list(c)].min(0).max() for c in combinations(range(10), k))
        assert found.radius[k - 1] == found.lower[k - 1] == metric.radius(int(best))
        assert keys[found.centres[k - 1]].min(0).max() == best


def test_frontier_agrees_with_single_solves_and_falls():
    rows, metric = np.random.default_rng(9).integers(0, 256, (90, 3), dtype=np.uint8), Metric("L2", 255)
    found = finish(frontier(rows, metric, 12, QUICK, 0))
    assert (np.diff(found.radius) <= 0).all()
    assert (found.lower <= found.radius).all()
    for k in (1, 5, 12):
        step = finish(cover_budget(rows, metric, k, QUICK, 0))
        assert step.proven
        assert metric.radius(step.key) == found.radius[k - 1]
