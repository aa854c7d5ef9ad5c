"""Problem P2: the smallest radius at which k balls hold every image of a class."""

import time
from collections.abc import Generator

import numpy as np

from core.covering.cover import cover_by, farthest_points
from core.covering.distances import Metric
from core.covering.solve import Effort, Step


def cover_budget(rows: np.ndarray, metric: Metric, k: int, effort: Effort, seed: int) -> Generator[Step, None, Step]:
    """Cover one class by k balls.

    rows     (n, d) from `flat`, one class
    yields   Step, the first one with the farthest-point cover
    returns  the last Step
    """
    began = time.process_time()
    centres = np.sort(farthest_points(rows, k, metric))
    key = cover_by(rows, centres, metric).key
    step = Step(centres=centres, key=key, seconds_distances=time.process_time() - began)
    yield step
    return step
