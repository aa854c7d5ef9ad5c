"""Compile every numba function of this package on tiny inputs, so that the first real cover starts at once.

The compiled code is cached beside the sources; a first call ever takes about 20 s, later ones in a new process well
below a second.
"""

from typing import get_args

import numpy as np

from core.covering.compose import cover_by_candidates
from core.covering.distances import Metric
from core.covering.fixed_budget import cover_budget
from core.covering.fixed_radius import cover_radius
from core.covering.graph import ball_graph
from core.covering.proof import undominated
from core.covering.solve import Effort
from core.types import Norm


def warm() -> None:
    """Run both solvers on a few random points in every norm and number format."""
    rng = np.random.default_rng(0)
    bytes_, floats = rng.integers(0, 256, (12, 4), dtype=np.uint8), rng.random((12, 4))
    wide = rng.integers(0, 256, (3, 40_000), dtype=np.uint8)
    for norm in get_args(Norm):
        _solve(bytes_, Metric(norm, 255))
        _solve(floats, Metric(norm, 0))
    _solve(wide, Metric("L2", 255))


def _solve(rows: np.ndarray, metric: Metric) -> None:
    threshold = metric.threshold(0.4)
    for _ in cover_radius(rows, metric, threshold, Effort(steps=100), 0):
        pass
    for _ in cover_budget(rows, metric, 2, Effort(steps=100), 0):
        pass
    undominated(ball_graph(rows, metric, threshold), np.arange(len(rows)))
    cover_by_candidates([rows], rows, metric, threshold)
