"""Proofs by branch and bound on a reduced core of the covering programme.

Only the rows that mattered to the linear programme are kept, and of the columns those that no other column
dominates on these rows. A whole-number cover of some rows needs no more centres than one of all rows, so its
optimum (or the solver's bound) is a lower bound for the class; when its solution happens to cover every image it
is a best cover too. Otherwise the images it misses join the rows.

What is trusted: the bound of HiGHS's branch and bound in floating point, rounded up with a margin of 1e-6. It is
the only number of this package that is not re-derived in integers; the linear programme's bound is.
"""

import threading
from collections.abc import Generator

import highspy
import numpy as np
from numba import njit

from core.covering.graph import BallGraph
from core.covering.lower import add_columns, add_rows, quiet_solver
from core.covering.solve import EVENT_SECONDS, Clock


class Core:
    """The reduced whole-number programme over some rows of a ball graph.

    bound    fewest centres that any cover can have, as far as proven
    entries  non-zeros beyond which it does not start
    centres  a best cover of the rows so far, covering every image when `covers` is true
    """

    def __init__(self, graph: BallGraph, rows: np.ndarray, entries: int) -> None:
        self.graph, self.rows, self.entries = graph, np.asarray(rows, np.int64), entries
        self.bound, self.centres, self.covers = 1, np.empty(0, np.int64), False

    def solve(self, enough: int, nodes: int, clock: Clock) -> Generator[int, None, int]:
        """Raise `bound` until it reaches `enough` or a cover of that size is proven best; yields the bound.

        enough  the bound that settles the question; the search stops there
        nodes   of branch and bound, per round
        """
        for _ in range(20):
            optimal = yield from self._round(enough, nodes, clock)
            if self.bound >= enough or not optimal or clock.over():
                break
            missed = self._missed()
            self.covers = not len(missed)
            if self.covers:
                break
            self.rows = np.concatenate([self.rows, missed])
        return self.bound

    def _round(self, enough: int, nodes: int, clock: Clock) -> Generator[int, None, bool]:
        columns = undominated(self.graph, self.rows)
        position = np.full(len(self.graph), -1, np.int32)
        position[columns] = np.arange(len(columns))
        lists = [position[self.graph.row(i)] for i in self.rows]
        lists = [row[row >= 0] for row in lists]
        if sum(map(len, lists)) > self.entries:
            return False
        solver = quiet_solver()
        add_columns(solver, len(columns), upper=1.0)
        whole = np.full(len(columns), int(highspy.HighsVarType.kInteger), np.uint8)
        solver.changeColsIntegrality(len(columns), np.arange(len(columns), dtype=np.int32), whole)
        add_rows(solver, lists)
        solver.setOptionValue("mip_max_nodes", nodes)
        solver.setOptionValue("mip_abs_gap", 0.999)
        yield from _in_background(solver, clock, self)
        info, status = solver.getInfo(), solver.getModelStatus()
        if np.isfinite(info.mip_dual_bound) and info.mip_dual_bound < 1e9:
            self.bound = max(self.bound, int(np.ceil(info.mip_dual_bound - 1e-6)))
        if status == highspy.HighsModelStatus.kOptimal:
            self.centres = columns[np.array(solver.getSolution().col_value) > 0.5]
        return status == highspy.HighsModelStatus.kOptimal

    def _missed(self) -> np.ndarray:
        """Images that the solution leaves uncovered, at most 100."""
        covered = np.zeros(len(self.graph), np.bool_)
        for c in self.centres.tolist():
            covered[self.graph.row(c)] = True
        return np.flatnonzero(~covered)[:100]


def _in_background(solver: highspy.Highs, clock: Clock, core: Core) -> Generator[int, None, None]:
    """Run the solver in a thread, so that events go on and closing the generator stops it."""
    finished = threading.Event()
    stop = threading.Event()

    def asked_to_stop(event: highspy.highs.HighsCallbackEvent) -> None:
        if stop.is_set():
            event.interrupt()

    def work() -> None:
        try:
            solver.run()
        finally:
            finished.set()

    solver.cbMipInterrupt += asked_to_stop
    solver.cbSimplexInterrupt += asked_to_stop
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while not finished.wait(EVENT_SECONDS):
            if clock.over():
                stop.set()
            yield core.bound
    finally:
        stop.set()
        thread.join()


def undominated(graph: BallGraph, rows: np.ndarray) -> np.ndarray:
    """(m,) int64 columns whose images among `rows` are not a subset of another column's, first of equals kept."""
    words = (len(rows) + 63) // 64
    bits = np.zeros((len(graph), words), np.uint64)
    _set_bits(graph.start, graph.stop, graph.indices, rows, bits)
    return _undominated(graph.start, graph.stop, graph.indices, rows, bits)


@njit(cache=True)
def _set_bits(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, rows: np.ndarray, bits: np.ndarray) -> None:
    for p in range(len(rows)):
        one = np.uint64(1) << np.uint64(p & 63)
        for e in range(start[rows[p]], stop[rows[p]]):
            bits[indices[e], p >> 6] |= one


@njit(cache=True)
def _undominated(
    start: np.ndarray, stop: np.ndarray, indices: np.ndarray, rows: np.ndarray, bits: np.ndarray
) -> np.ndarray:
    """Compare a column only with those in its row of fewest columns: any dominating one is among them."""
    n, words = bits.shape
    size = np.zeros(n, np.int64)
    rare = np.full(n, -1, np.int64)
    for p in range(len(rows)):
        r = rows[p]
        for e in range(start[r], stop[r]):
            c = indices[e]
            size[c] += 1
            if rare[c] < 0 or stop[r] - start[r] < stop[rare[c]] - start[rare[c]]:
                rare[c] = r
    keep = size > 0
    for c in range(n):
        if not keep[c]:
            continue
        for e in range(start[rare[c]], stop[rare[c]]):
            d = indices[e]
            if d == c or size[d] < size[c] or (size[d] == size[c] and d > c):
                continue
            inside = True
            for w in range(words):
                if bits[c, w] & ~bits[d, w]:
                    inside = False
                    break
            if inside:
                keep[c] = False
                break
    return np.flatnonzero(keep)
