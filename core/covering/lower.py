"""Lower bounds on the number of centres from linear programming, each one checked in integers.

The relaxation min sum z, A z >= 1, z >= 0 has a row for every image and a column for every possible centre. It is
solved by row generation: first the images with the smallest balls, then in each round those that the present z
covers least. Whatever the round, its dual prices y give a bound without trusting the solver: scaled to integers Y,
with L the largest price sum of images in one ball, every cover has at least ceil(sum Y / L) centres, because each
centre collects at most L. That quotient is computed in integers here; the solver only proposes Y.

Source: the bound is weak duality of the covering programme (Vazirani 2001, ch. 13); solver HiGHS, dual simplex.
"""

from collections.abc import Generator

import highspy
import numpy as np
from numba import njit

from core.covering.graph import BallGraph
from core.covering.solve import Clock
from core.errors import NumericsError

ROWS = 150
SCALE = 2**40
SLICE = 0.8  # seconds before the solver hands control back
INFINITY = highspy.kHighsInf


class Relaxation:
    """The linear programme of one ball graph with the rows generated so far.

    bound   best proven lower bound on the number of centres
    value   objective of the last round, a bound up to the solver's tolerance
    ceiling objective of z scaled until it covers everything: the programme's optimum is no larger
    done    more rows could not raise `bound`
    rows    (m,) images whose rows are in the programme
    z       (n,) fractional cover of the last round
    """

    def __init__(self, graph: BallGraph, first: np.ndarray | None = None) -> None:
        self.graph, self.bound, self.value, self.done = graph, 1, 0.0, False
        self.ceiling = np.inf
        self.rows = np.empty(0, np.int64)
        self.z, self._price = np.zeros(len(graph)), np.empty(0)
        self._lp = quiet_solver()
        self._lp.setOptionValue("solver", "simplex")
        self._lp.setOptionValue("presolve", "off")  # else a run cut short would start from nothing again
        self._lp.setOptionValue("simplex_strategy", 1)
        add_columns(self._lp, len(graph))
        self._add(first if first is not None and len(first) else spread_rows(graph, ROWS))

    def solve(self, enough: int, rounds: int, clock: Clock, decide: bool = False) -> Generator[int, None, int]:
        """Generate rows until `bound` reaches `enough`, all rows hold, or `rounds` are over; yields the bound.

        decide  also stop when it is clear that `bound` will never reach `enough`
        """
        for _ in range(rounds):
            while not self._run_slice():
                yield self.bound
                if clock.over():
                    return self.bound
            self.bound = max(self.bound, self._certified())
            yield self.bound
            short = self._violated()
            self.done = not len(short) or np.ceil(self.ceiling - 1e-6) <= self.bound
            if self.done or self.bound >= enough or (decide and self.ceiling <= enough - 1) or clock.over():
                break
            self._add(short)
        return self.bound

    def _run_slice(self) -> bool:
        """Let the simplex work for a moment; True when it is optimal."""
        self._lp.setOptionValue("time_limit", self._lp.getRunTime() + SLICE)
        self._lp.run()
        status = self._lp.getModelStatus()
        if status == highspy.HighsModelStatus.kTimeLimit:
            return False
        if status != highspy.HighsModelStatus.kOptimal:
            raise NumericsError(f"the bound's linear programme must have an optimum, the solver says {status}")
        solution = self._lp.getSolution()
        self.z, self._price = np.array(solution.col_value), np.array(solution.row_dual)
        self.value = self._lp.getObjectiveValue()
        return True

    def _certified(self) -> int:
        prices = np.floor(np.maximum(self._price, 0) * SCALE).astype(np.int64)
        return dual_bound(self.graph, self.rows, prices)

    def priced(self) -> np.ndarray:
        """(m,) images whose rows had a price in the last round: the ones that mattered."""
        return self.rows[: len(self._price)][self._price > 1e-9]

    def _violated(self) -> np.ndarray:
        """Up to ROWS images that z covers least, only those it covers short of 1."""
        cover = _covered_by(self.graph.start, self.graph.stop, self.graph.indices, self.z)
        least = cover.min()
        self.ceiling = self.value / least if least > 1e-9 else np.inf
        cover[self.rows] = 1.0
        worst = np.argsort(cover, kind="stable")[:ROWS]
        return worst[cover[worst] < 1 - 1e-6]

    def _add(self, rows: np.ndarray) -> None:
        add_rows(self._lp, [self.graph.row(i) for i in rows])
        self.rows = np.concatenate([self.rows, rows])


def quiet_solver() -> highspy.Highs:
    """A HiGHS instance that prints nothing and uses one thread."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


def add_columns(solver: highspy.Highs, n: int, upper: float = INFINITY) -> None:
    """Add n columns of cost 1 between 0 and `upper`."""
    empty = np.empty(0, np.int32)
    solver.addCols(n, np.ones(n), np.zeros(n), np.full(n, upper), 0, np.zeros(n, np.int32), empty, np.empty(0))


def add_rows(solver: highspy.Highs, lists: list[np.ndarray]) -> None:
    """Add a row "the sum over these columns is at least 1" for each list."""
    ends = np.cumsum([len(row) for row in lists])
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    columns = np.concatenate(lists).astype(np.int32)
    ones, top = np.ones(len(lists)), np.full(len(lists), INFINITY)
    solver.addRows(len(lists), ones, top, len(columns), starts, columns, np.ones(len(columns)))


def dual_bound(graph: BallGraph, rows: np.ndarray, prices: np.ndarray) -> int:
    """ceil(sum prices / largest ball's price sum): at least so many centres, in integers.

    rows    (m,) images with a price
    prices  (m,) int64 >= 0, below 2^40 each
    """
    load = _load(graph.start, graph.stop, graph.indices, rows, prices)
    total, largest = sum(prices.tolist()), int(load.max(initial=0))
    return -(-total // largest) if largest else 1


def spread_rows(graph: BallGraph, most: int) -> np.ndarray:
    """Images with the smallest balls, preferring ones that no single centre covers together.

    First greedily images of which no two share a ball (each of them needs a centre of its own), then the rest by
    ball size.
    """
    order = np.argsort(graph.degree, kind="stable")
    apart = _independent(graph.start, graph.stop, graph.indices, order)[:most]
    rest = order[~np.isin(order, apart)]
    return np.concatenate([apart, rest[: max(0, most - len(apart))]])


@njit(cache=True)
def _independent(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, order: np.ndarray) -> np.ndarray:
    taken = np.empty(len(order), np.int64)
    near = np.zeros(len(start), np.bool_)
    k = 0
    for i in order:
        free = True
        for e in range(start[i], stop[i]):
            if near[indices[e]]:
                free = False
                break
        if free:
            taken[k] = i
            k += 1
            for e in range(start[i], stop[i]):
                near[indices[e]] = True
    return taken[:k]


@njit(cache=True)
def _load(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, rows: np.ndarray, prices: np.ndarray) -> np.ndarray:
    load = np.zeros(len(start), np.int64)
    for p in range(len(rows)):
        if prices[p] > 0:
            for e in range(start[rows[p]], stop[rows[p]]):
                load[indices[e]] += prices[p]
    return load


@njit(cache=True)
def _covered_by(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, z: np.ndarray) -> np.ndarray:
    out = np.zeros(len(start))
    for c in range(len(start)):
        if z[c] > 0:
            for e in range(start[c], stop[c]):
                out[indices[e]] += z[c]
    return out
