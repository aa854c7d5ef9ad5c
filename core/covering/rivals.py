"""Other ways to choose centres, measured as a cover is: random, k-center and greedy for one class.

Each is asked twice: which radius do k of its centres reach, and how many of them reach a given radius. Random takes one
shuffle, k-center the farthest-point order, and both simply go on until the radius is reached; greedy (with redundant
centres dropped) is asked at smaller and smaller radii until it needs more than k.
Cost: one table of distances and about twelve greedy covers a class.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from core.covering.cover import farthest_points, greedy
from core.covering.distances import Metric
from core.covering.fixed_radius import cover_radius
from core.covering.graph import all_keys, at_most, graph_of_keys
from core.covering.solve import QUICK

FINE = 1e-3  # relative width in the key at which greedy's bisection ends


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What one method reaches on one class.

    radius   with k centres, pixel units
    centres  needed for the given radius
    """

    radius: float
    centres: int


def rivals(
    rows: np.ndarray, metric: Metric, k: int, threshold: float, seed: int, memory: int
) -> Generator[None, None, dict[str, Rival]]:
    """Compare random, k-center and greedy on one class.

    rows       (n, d) from `flat`
    threshold  largest key inside a ball of the given radius
    seed       of the shuffle
    yields     between two pieces of work of about a second at most
    raises     ResourceError when the table of distances would not fit
    """
    keys = all_keys(rows, metric, memory)
    yield
    order = np.random.default_rng(seed).permutation(len(rows))
    found = {"random": _in_order(keys, order, k, threshold, metric)}
    first = farthest_points(rows, 1, metric)[0]
    found["k-center"] = _in_order(keys, _farthest_first(keys, first), k, threshold, metric)
    yield
    needed = len(greedy(graph_of_keys(keys, threshold)))
    low, high = 0.0, keys.max().item()
    while high - low > FINE * high:
        yield
        middle = (low + high) / 2
        centres = greedy(graph_of_keys(keys, at_most(keys, middle)))
        if len(centres) > k:
            low = middle
        else:
            high = keys[centres].min(axis=0).max().item()
    found["greedy"] = Rival(radius=metric.radius(high), centres=needed)
    return found


def needed(rows: np.ndarray, metric: Metric, threshold: float, seed: int, memory: int) -> Generator[None, None, int]:
    """Centres this engine needs for a radius, with a quick search and no bound."""
    work, count = cover_radius(rows, metric, threshold, replace(QUICK, rounds=0, memory=memory), seed), 0
    for step in work:
        count = len(step.centres)
        yield
    return count


def _in_order(keys: np.ndarray, order: np.ndarray, k: int, threshold: float, metric: Metric) -> Rival:
    """Take centres in a given order."""
    radius = metric.radius(keys[order[:k]].min(axis=0).max().item())
    return Rival(radius=radius, centres=_first_within(keys, order, threshold))


def _first_within(keys: np.ndarray, order: np.ndarray, threshold: float) -> int:
    """How many of the first of `order` cover everything within the threshold."""
    nearest = keys[order[0]].copy()
    for count, row in enumerate(order[1:], start=1):
        if nearest.max() <= threshold:
            return count
        np.minimum(nearest, keys[row], out=nearest)
    return len(order)


def _farthest_first(keys: np.ndarray, first: int) -> np.ndarray:
    """All rows, each the farthest from those before it, beginning with `first`."""
    order, nearest = np.empty(len(keys), np.int64), keys[first].copy()
    order[0] = first
    for place in range(1, len(keys)):
        order[place] = nearest.argmax()
        np.minimum(nearest, keys[order[place]], out=nearest)
    return order
