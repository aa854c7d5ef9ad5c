"""The frontier of a class: the smallest radius for every number of centres from 1 up.

Each number starts from the better of two covers, the one before plus the image farthest from it and the first of the
farthest points, searches, and then asks for a proof only at the next smaller distance, which settles most numbers with
one linear programme. A radius that k
centres do not reach is not reached by fewer, and one that they reach is reached by more: what is learnt at one
number is kept for the others. Cost: digits, 10 classes of 180 images, k = 1..100: see benchmarks/covering.py.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np

from core.covering.cover import farthest_points
from core.covering.distances import Metric
from core.covering.fixed_budget import Budget
from core.covering.graph import all_keys, sorted_graph
from core.covering.solve import Clock, Effort, Step, ordered


@dataclass(frozen=True, eq=False)
class Frontier:
    """One class's frontier; entry i is for i + 1 centres.

    radius   (K,) float64 achieved, in pixel units
    lower    (K,) float64 proven lower bounds, in pixel units
    proven   (K,) bool
    centres  K arrays of rows
    """

    radius: np.ndarray
    lower: np.ndarray
    proven: np.ndarray
    centres: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        for k, (lower, radius) in enumerate(zip(self.lower.tolist(), self.radius.tolist(), strict=True), start=1):
            ordered(lower, radius, f"radius of {k} centres")


def frontier(
    rows: np.ndarray, metric: Metric, most: int, effort: Effort, seed: int
) -> Generator[Frontier, None, Frontier]:
    """Trace radius against number of centres for one class.

    rows     (n, d) from `flat`, one class
    most     largest number of centres; fewer entries where there are fewer distinct images
    yields   Frontier so far, after each number of centres
    """
    clock, keys = Clock(effort.seconds), all_keys(rows, metric, effort.memory)
    graph = sorted_graph(keys, keys.max())
    order = farthest_points(rows, most + 1, metric)
    steps: list[Step] = []
    centres = np.empty(0, np.int64)
    for k in range(1, min(most, len(order)) + 1):
        centres = _first(keys, centres, order[:k])
        key = keys[centres].min(axis=0).max().item()
        step = Step(centres=centres, key=key, proven=key == 0)
        if not step.proven:
            budget = Budget(keys, metric, k, effort, seed + k, clock, step, graph)
            budget.refute_half(order[: k + 1])
            yield from (_collect(steps, metric) for _ in budget.searches())
            if effort.rounds:
                yield from (_collect(steps, metric) for _ in budget.descend())
            step = budget.step
        steps.append(step)
        centres = step.centres
        yield _collect(steps, metric)
    return _collect(_shared(steps), metric)


def _first(keys: np.ndarray, before: np.ndarray, farthest: np.ndarray) -> np.ndarray:
    """The better of the centres before plus the image farthest from them, and as many farthest points."""
    if not len(before):
        return farthest
    grown = np.append(before, keys[before].min(axis=0).argmax())
    return np.sort(min(grown, farthest, key=lambda centres: keys[centres].min(axis=0).max()))


def _shared(steps: list[Step]) -> list[Step]:
    """Carry lower bounds from larger to smaller numbers of centres."""
    out, lower = list[Step](), 0.0
    for step in reversed(steps):
        lower = max(lower, step.lower_key)
        out.append(replace(step, lower_key=lower, proven=lower >= step.key))
    return out[::-1]


def _collect(steps: list[Step], metric: Metric) -> Frontier:
    return Frontier(
        radius=np.array([metric.radius(step.key) for step in steps]),
        lower=np.array([metric.radius(step.lower_key) for step in steps]),
        proven=np.array([step.proven for step in steps], bool),
        centres=tuple(step.centres for step in steps),
    )
