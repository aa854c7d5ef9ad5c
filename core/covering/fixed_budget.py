"""Problem P2: the smallest radius at which k balls hold every image of a class.

The best radius is one of the distances between images, so everything happens on keys: `high`, the key of the best
cover so far, and `low`, the largest key at which k centres are known to be too few. They close in on each other by
    farthest-point cover            the first cover, within twice the best radius
    greedy covers, by bisection     lower `high`
    linear programmes, by bisection raise `low`: a programme whose bound exceeds k refutes its key
    local search at k centres       at keys between the two, last at the next smaller key than `high`
    branch and bound                where the core is small, at keys between what is left
For 6,000 MNIST images and k = 10 or 50 about 15 CPU s and 500 MB.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from core.covering.cover import cover_by, farthest_points, greedy
from core.covering.distances import Metric
from core.covering.graph import BallGraph, above, all_keys, at_most, below, closest, graph_of_keys, sorted_graph
from core.covering.lower import ROWS, Relaxation, spread_rows
from core.covering.proof import Core
from core.covering.search import Search
from core.covering.solve import EVENT_SECONDS, Clock, Effort, Step

CHUNK = 20_000
SMALL = 1_000  # images up to which bounds are bisected to the last distance
FINE = 1e-3  # bisections for bounds stop at a bracket of this relative width in the key


def cover_budget(rows: np.ndarray, metric: Metric, k: int, effort: Effort, seed: int) -> Generator[Step, None, Step]:
    """Cover one class by k balls.

    rows     (n, d) from `flat`, one class
    yields   Step, the first one with the farthest-point cover
    returns  the last Step; fewer than k centres only where the class has fewer distinct images
    raises   ResourceError when the distances would not fit
    """
    began = time.process_time()
    centres = np.sort(farthest_points(rows, k, metric))
    key = cover_by(rows, centres, metric).key
    step = Step(centres=centres, key=key, proven=key == 0, seconds_distances=time.process_time() - began)
    yield step
    clock = Clock(effort.seconds)
    if not step.proven:
        began = time.process_time()
        keys = all_keys(rows, metric, effort.memory)
        spent = step.seconds_distances + time.process_time() - began
        step = replace(step, seconds_distances=spent)
        yield step
        solver = Budget(keys, metric, k, effort, seed, clock, step)
        yield from solver.run()
        step = solver.step
    step = replace(step, phase="end", struck=clock.struck)
    yield step
    return step


class Budget:
    """The state of one P2 solve: `step` holds the best cover and, with `low`, brackets the best key.

    keys  (n, n) keys of all pairs of the class
    graph sorted neighbour lists up to `high` at least; made when first asked for unless given
    low   largest key at which k centres are known to be too few, -1 before there is one
    open  smallest key at which a linear programme could not tell
    """

    def __init__(
        self,
        keys: np.ndarray,
        metric: Metric,
        k: int,
        effort: Effort,
        seed: int,
        clock: Clock,
        step: Step,
        graph: BallGraph | None = None,
    ) -> None:
        nearest = keys[step.centres].min(axis=0)
        self.keys, self.metric, self.k, self.effort, self.seed, self.clock = keys, metric, k, effort, seed, clock
        self.step = replace(step, key=nearest.max().item())
        self.low, self.open = -1.0, self.high
        self._rows: np.ndarray | None = None
        if graph is not None:
            self.graph = graph
        self.refute_half(np.append(step.centres, nearest.argmax()))

    @cached_property
    def graph(self) -> BallGraph:
        """Sorted neighbour lists up to what `high` is when they are first asked for."""
        return sorted_graph(self.keys, self.high)

    @property
    def high(self) -> float:
        """Key of the best cover so far."""
        return self.step.key

    def run(self) -> Iterator[Step]:
        """All phases, cheapest first."""
        yield from self._greedy_covers()
        yield self.step
        if self.effort.rounds:
            yield from self._bounds(FINE * self.high)
        yield from self.searches()
        if self.effort.rounds and not self.step.proven:
            if len(self.keys) <= SMALL:
                yield from self.descend()
            yield from self._bounds(0 if len(self.keys) <= SMALL else FINE * self.high)
            yield from self._refute_at(below(self.keys, self.high))
        if self.effort.rounds and self.effort.nodes and not self.step.proven:
            yield from self._proofs()

    def accept(self, centres: np.ndarray, phase: str) -> None:
        """Take a cover of at most k centres, filled up to k with the images farthest from it, if it is better."""
        chosen = list(centres)
        nearest = self.keys[chosen].min(axis=0)
        while len(chosen) < self.k and nearest.max() > 0:
            chosen.append(int(nearest.argmax()))
            np.minimum(nearest, self.keys[chosen[-1]], out=nearest)
        if nearest.max() < self.high:
            key = nearest.max().item()
            self.step = replace(self.step, centres=np.sort(np.array(chosen)), key=key, phase=phase)
            self._settle()

    def refute(self, key: float, phase: str) -> None:
        """Note that no k centres reach `key`: the best key is at least the next larger distance."""
        self.low = max(self.low, key)
        self.step = replace(self.step, lower_key=above(self.keys, self.low), phase=phase)
        self._settle()

    def refute_half(self, images: np.ndarray) -> None:
        """Use that of more than k images two share a centre: it is at least half their smallest distance from one.

        That distance is looked up, not inferred from how the images came about: in the order of farthest points it
        is the radius or more, among centres that were searched for it can be as small as any.
        """
        apart = closest(self.keys, images) if len(images) > self.k else 0
        if apart > 0:
            self.refute(self.metric.too_small(apart), "first")

    def _settle(self) -> None:
        self.step = replace(self.step, proven=self.step.lower_key >= self.high)

    def _greedy_covers(self) -> Iterator[Step]:
        low = self.low
        while self.high - low > FINE * self.high and not self.step.proven and not self.clock.over():
            key = at_most(self.keys, (low + self.high) / 2)
            centres = greedy(graph_of_keys(self.keys, key)) if key > low else None
            if centres is None or len(centres) > self.k:
                low = (low + self.high) / 2
            else:
                self.accept(centres, "greedy")
            yield self.step

    def _bounds(self, width: float) -> Iterator[Step]:
        """Bisect for the largest key that a linear programme refutes."""
        while not self.step.proven and not self.clock.over():
            top = min(self.open, self.high)
            key = at_most(self.keys, (self.low + top) / 2)
            if key <= self.low:
                key = self.step.lower_key
            if key >= top or top - self.low <= width:
                break
            yield from self._refute_at(key)

    def _refute_at(self, key: float) -> Iterator[Step]:
        if not self.low < key < self.open or self.step.proven:
            return
        relaxation = Relaxation(self.graph.within(key), self._rows)
        for _ in relaxation.solve(self.k + 1, self.effort.rounds, self.clock, decide=True):
            yield self.step
        priced = relaxation.priced()
        self._rows = priced if len(priced) else self._rows  # none when the time was up before the first optimum
        if relaxation.bound > self.k:
            self.refute(key, "bound")
        else:
            self.open = min(self.open, key)
        yield self.step

    def searches(self) -> Iterator[Step]:
        """Local search at keys between the bounds, with more and more exchanges, last just below the best."""
        search = Search(self.graph.within(below(self.keys, self.high)), self.step.centres, self.seed)
        left = self.effort.steps
        for share in (0.02, 0.06):
            low = self.low
            while self.high - low > FINE * self.high and left > 0 and not self.step.proven and not self.clock.over():
                key = max(at_most(self.keys, (low + self.high) / 2), self.step.lower_key)
                left -= yield from self._search_at(search, key, int(share * self.effort.steps))
                if key < self.high:
                    low = key
        while left > 0 and not self.step.proven and not self.clock.over():
            left -= yield from self._search_at(search, below(self.keys, self.high), left)

    def _search_at(self, search: Search, key: float, steps: int) -> Generator[Step, None, int]:
        """Search at one key; returns the exchanges made, at least 1."""
        made, told = 1, time.monotonic()
        search.use(self.graph.within(key), search.centres if search.uncovered else self.step.centres)
        while search.uncovered and made < steps and not self.clock.over():
            made += search.run(min(CHUNK, steps - made))
            if time.monotonic() - told > EVENT_SECONDS:
                told = time.monotonic()
                yield self.step
        if not search.uncovered:
            self.accept(search.centres, "search")
        yield self.step
        return made

    def descend(self) -> Iterator[Step]:
        """Refute the next smaller key, or find a cover there and go on, as long as either can be done."""
        while not self.step.proven and not self.clock.over():
            key = below(self.keys, self.high)
            yield from self._refute_at(key)
            if not self.step.proven and not (yield from self._decide(key)):
                break

    def _proofs(self) -> Iterator[Step]:
        """Bisect between the bounds with branch and bound, as long as it can tell."""
        top = self.high
        while not self.step.proven and not self.clock.over():
            top = min(top, self.high)
            key = max(at_most(self.keys, (self.low + top) / 2), self.step.lower_key)
            if key >= top:
                break
            if not (yield from self._decide(key)):
                top = key

    def _decide(self, key: float) -> Generator[Step, None, bool]:
        """Ask branch and bound whether k centres reach `key`; returns whether it could tell."""
        if not self.effort.nodes:
            return False
        graph, high = self.graph.within(key), self.high
        rows = spread_rows(graph, ROWS) if self._rows is None else self._rows
        core = Core(graph, rows, self.effort.entries)
        for _ in core.solve(self.k + 1, self.effort.nodes, self.clock):
            yield self.step
        if core.bound > self.k:
            self.refute(key, "proof")
        elif core.covers and len(core.centres) <= self.k:
            self.accept(core.centres, "proof")
        yield self.step
        return core.bound > self.k or self.high < high
