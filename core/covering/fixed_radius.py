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
from core.covering.solve import CHUNK, Clock, Effort, Step

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
    clock = Clock(effort.seconds)
    step = Step(centres=np.sort(greedy(graph)), key=threshold, seconds_distances=seconds_distances)
    yield step
    if len(step.centres) > 1:
        step = yield from _search(graph, step, effort, seed, clock)
        if effort.rounds:
            step = yield from _prove(graph, step, effort, clock)
    step = replace(step, phase="end", struck=clock.struck, proven=step.lower_k == len(step.centres))
    yield step
    return step


def _search(graph: BallGraph, step: Step, effort: Effort, seed: int, clock: Clock) -> Generator[Step, None, Step]:
    """Local search for `effort.steps` exchanges in all, always one centre below the best cover."""
    search = Search(graph, step.centres, seed)
    chunk = max(100, int(CHUNK / max(1.0, graph.degree.mean())))
    left, told = effort.steps, time.monotonic()
    step = replace(step, phase="search")
    while left > 0 and len(step.centres) > 1 and not clock.over():
        if search.uncovered == 0:
            step = replace(step, centres=search.centres)
            search.drop()
            continue
        left -= search.run(min(chunk, left))
        if time.monotonic() - told > 0.25:
            told = time.monotonic()
            yield step
    if search.uncovered == 0:
        step = replace(step, centres=search.centres)
    yield step
    return step


def _prove(graph: BallGraph, step: Step, effort: Effort, clock: Clock) -> Generator[Step, None, Step]:
    """Bound the number of centres from below; where that is close, close it by branch and bound."""
    relaxation = Relaxation(graph)
    for bound in relaxation.solve(len(step.centres), effort.rounds, clock):
        step = replace(step, lower_k=bound, phase="bound")
        yield step
    if not effort.nodes or not 0 < len(step.centres) - step.lower_k <= CLOSE or clock.over():
        return step
    core = Core(graph, relaxation.rows)
    for bound in core.solve(len(step.centres), effort.nodes, clock):
        step = replace(step, lower_k=max(step.lower_k, bound), phase="proof")
        yield step
    step = replace(step, lower_k=max(step.lower_k, core.bound))
    if core.covers and len(core.centres) < len(step.centres):
        step = replace(step, centres=np.sort(core.centres))
    return step
