"""Problem P1: the fewest centres whose balls of a given radius hold every image of a class.

Greedy cover, local search one centre below the best so far, linear-programming bound, and where bound and cover
are close, branch and bound for the proof. For 6,000 MNIST images: 0.6 s distances, 1 s search, 0.1-1 s bound.
"""

import time
from collections.abc import Generator
from dataclasses import replace

import numpy as np

from core.covering.cover import greedy
from core.covering.distances import Metric
from core.covering.graph import BallGraph, ball_graph
from core.covering.lower import Relaxation
from core.covering.proof import Core
from core.covering.search import Search
from core.covering.solve import EVENT_SECONDS, Clock, Effort, Step

CHUNK = 20_000  # exchanges between two looks at the clock
CLOSE = 3  # centres between cover and bound that branch and bound is asked to close


def cover_radius(
    rows: np.ndarray, metric: Metric, threshold: float, effort: Effort, seed: int
) -> Generator[Step, None, Step]:
    """Cover one class by balls of one radius.

    rows       (n, d) from `flat`, one class
    threshold  largest key inside a ball
    yields     Step, the first one with the greedy cover
    returns    the last Step
    raises     ResourceError when the ball graph would not fit
    """
    began = time.process_time()
    graph = ball_graph(rows, metric, threshold, effort.memory)
    spent = time.process_time() - began
    return (yield from cover_graph(graph, threshold, effort, seed, spent))


def cover_graph(
    graph: BallGraph, threshold: float, effort: Effort, seed: int, seconds_distances: float = 0.0
) -> Generator[Step, None, Step]:
    """As `cover_radius`, for a ball graph that exists already."""
    step = Step(centres=np.sort(greedy(graph)), key=threshold, seconds_distances=seconds_distances)
    yield step
    clock = Clock(effort.seconds)
    if len(step.centres) > 1:
        search = Search(graph, step.centres, seed)
        step = yield from _search(search, step, effort.steps // 50, clock)
        relaxation = Relaxation(graph) if effort.rounds else None
        if relaxation:
            for bound in relaxation.solve(len(step.centres), effort.rounds, clock):
                step = replace(step, lower_k=bound, phase="bound")
                yield step
        step = yield from _search(search, step, effort.steps - effort.steps // 50, clock)
        if relaxation and effort.nodes:
            step = yield from _prove(graph, relaxation.rows, step, effort, clock)
    step = replace(step, phase="end", struck=clock.struck, proven=step.lower_k == len(step.centres))
    yield step
    return step


def _search(search: Search, step: Step, steps: int, clock: Clock) -> Generator[Step, None, Step]:
    """Exchange centres `steps` times, always one centre below the best cover, until that meets the lower bound."""
    told, step = time.monotonic(), replace(step, phase="search")
    while len(step.centres) > step.lower_k and not clock.over():
        if search.uncovered == 0:
            step = replace(step, centres=search.centres)
            search.drop()
            continue
        if steps <= 0:
            break
        steps -= search.run(min(CHUNK, steps))
        if time.monotonic() - told > EVENT_SECONDS:
            told = time.monotonic()
            yield step
    yield step
    return step


def _prove(graph: BallGraph, rows: np.ndarray, step: Step, effort: Effort, clock: Clock) -> Generator[Step, None, Step]:
    """Where bound and cover are close, close the gap by branch and bound on the rows that the bound needed."""
    if not 0 < len(step.centres) - step.lower_k <= CLOSE or clock.over():
        return step
    core = Core(graph, rows, effort.entries)
    for bound in core.solve(len(step.centres), effort.nodes, clock):
        step = replace(step, lower_k=max(step.lower_k, bound), phase="proof")
        yield step
    step = replace(step, lower_k=max(step.lower_k, core.bound))
    if core.covers and len(core.centres) < len(step.centres):
        step = replace(step, centres=np.sort(core.centres))
    return step
