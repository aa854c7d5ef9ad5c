"""Problem P1: the fewest centres whose balls of a given radius hold every image of a class."""

import time
from collections.abc import Generator

import numpy as np

from core.covering.cover import greedy
from core.covering.distances import Metric
from core.covering.graph import ball_graph
from core.covering.solve import Effort, Step


def cover_radius(
    rows: np.ndarray, metric: Metric, threshold: float, effort: Effort, seed: int
) -> Generator[Step, None, Step]:
    """Cover one class by balls of one radius.

    rows       (n, d) from `flat`, one class
    threshold  largest key inside a ball
    yields     Step, the first one with the greedy cover
    returns    the last Step
    """
    began = time.process_time()
    graph = ball_graph(rows, metric, threshold, effort.memory)
    spent = time.process_time() - began
    step = Step(centres=np.sort(greedy(graph)), key=threshold, seconds_distances=spent)
    yield step
    return step
