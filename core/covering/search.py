"""Row-weighting local search for set cover: exchange centres until every image is covered again.

The state is always k centres and the images they leave uncovered. A step takes out the centre whose loss (summed
weight of images only it covers) is smallest, puts in the best centre for a random uncovered image, and raises the
weight of all that are still uncovered, so that images that are hard to cover come to matter. A centre just put
in may not leave at once; one taken out may return only after something in its ball changed.

Source: Gao, Weise & Li 2015, "An efficient local search heuristic with row weighting for the unicost set covering
problem", doi:10.1016/j.ejor.2015.05.038. Different here: the gains of candidates are summed from the few uncovered
images when they are asked for, and losses are kept through "the sum of the covering centres", which is the centre
itself where only one covers. A step then costs (2 + uncovered) ball sizes instead of a ball size squared.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from core.covering.graph import BallGraph

CHUNK = 50_000_000  # neighbour visits after which `run` hands control back, about 0.1 s
VISITS_PER_STEP = 20_000
K, OPEN, CLOCK, RANDOM = 0, 1, 2, 3


class _State(NamedTuple):
    """All of them (n,) int64, but for the scalars.

    place, hole    position in centres and in uncovered, -1 outside
    times, owners  how many centres cover an image, and the sum of their numbers
    scalars        (4,) number of centres, of uncovered images, the clock, the random state
    """

    centres: np.ndarray
    place: np.ndarray
    uncovered: np.ndarray
    hole: np.ndarray
    times: np.ndarray
    owners: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    entered: np.ndarray
    left: np.ndarray
    touched: np.ndarray
    gain: np.ndarray
    mark: np.ndarray
    scalars: np.ndarray


class Search:
    """A local search on one graph; `run` may be called again to go on."""

    def __init__(self, graph: BallGraph, centres: np.ndarray, seed: int) -> None:
        n = len(graph)
        self._state = _State(**{name: np.zeros(4 if name == "scalars" else n, np.int64) for name in _State._fields})
        self._state.weight[:] = 1
        self._state.scalars[RANDOM] = (seed % (2**62)) | 1
        self.use(graph, centres)

    def use(self, graph: BallGraph, centres: np.ndarray) -> None:
        """Continue on another graph of the same images, keeping what was learnt about their weights."""
        self._graph = graph
        _restart(graph.start, graph.stop, graph.indices, np.asarray(centres, np.int64), self._state)

    @property
    def centres(self) -> np.ndarray:
        """(k,) int64 the present centres, which may leave images uncovered."""
        return np.sort(self._state.centres[: self._state.scalars[K]])

    @property
    def uncovered(self) -> int:
        """How many images the present centres leave uncovered."""
        return int(self._state.scalars[OPEN])

    def drop(self) -> None:
        """Take out the centre with the smallest loss."""
        _drop(self._graph.start, self._graph.stop, self._graph.indices, self._state)

    def run(self, steps: int) -> int:
        """Exchange centres until all is covered, at most `steps` times and for a moment.

        returns  the steps charged: exchanges, or neighbours looked at / 20,000 where that is more
        """
        made, visits = _run(self._graph.start, self._graph.stop, self._graph.indices, self._state, steps)
        return max(made, visits // VISITS_PER_STEP)


@njit(cache=True)
def _restart(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, centres: np.ndarray, s: _State) -> None:
    n = len(start)
    s.place[:] = -1
    s.times[:] = 0
    s.owners[:] = 0
    s.loss[:] = 0
    s.entered[:] = 0
    s.left[:] = 0
    s.touched[:] = 0
    s.mark[:] = -1
    s.scalars[K] = 0
    s.scalars[OPEN] = n
    s.scalars[CLOCK] = 0
    for i in range(n):
        s.uncovered[i] = i
        s.hole[i] = i
    for c in centres:
        _enter(start, stop, indices, s, c)


@njit(cache=True)
def _enter(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, c: int) -> None:
    s.scalars[CLOCK] += 1
    clock = s.scalars[CLOCK]
    s.place[c] = s.scalars[K]
    s.centres[s.scalars[K]] = c
    s.scalars[K] += 1
    s.entered[c] = clock
    s.loss[c] = 0
    for e in range(start[c], stop[c]):
        r = indices[e]
        s.touched[r] = clock
        if s.times[r] == 0:
            s.loss[c] += s.weight[r]
            last = s.uncovered[s.scalars[OPEN] - 1]
            s.uncovered[s.hole[r]] = last
            s.hole[last] = s.hole[r]
            s.hole[r] = -1
            s.scalars[OPEN] -= 1
        elif s.times[r] == 1:
            s.loss[s.owners[r]] -= s.weight[r]
        s.times[r] += 1
        s.owners[r] += c


@njit(cache=True)
def _leave(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, c: int) -> None:
    s.scalars[CLOCK] += 1
    clock = s.scalars[CLOCK]
    last = s.centres[s.scalars[K] - 1]
    s.centres[s.place[c]] = last
    s.place[last] = s.place[c]
    s.place[c] = -1
    s.scalars[K] -= 1
    s.left[c] = clock
    for e in range(start[c], stop[c]):
        r = indices[e]
        s.touched[r] = clock
        s.times[r] -= 1
        s.owners[r] -= c
        if s.times[r] == 0:
            s.uncovered[s.scalars[OPEN]] = r
            s.hole[r] = s.scalars[OPEN]
            s.scalars[OPEN] += 1
        elif s.times[r] == 1:
            s.loss[s.owners[r]] += s.weight[r]


@njit(cache=True)
def _cheapest(s: _State, newest_allowed: int) -> int:
    """The centre of smallest loss among those that entered up to a moment; of equals the one longest in."""
    best = -1
    for p in range(s.scalars[K]):
        c = s.centres[p]
        if s.entered[c] > newest_allowed:
            continue
        if best < 0 or s.loss[c] < s.loss[best] or (s.loss[c] == s.loss[best] and s.entered[c] < s.entered[best]):
            best = c
    return best


@njit(cache=True)
def _drop(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State) -> None:
    c = _cheapest(s, s.scalars[CLOCK])
    if c >= 0:
        _leave(start, stop, indices, s, c)


@njit(cache=True)
def _may_return(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, c: int) -> bool:
    e, end = start[c], stop[c]
    while e < end and s.touched[indices[e]] <= s.left[c]:
        e += 1
    return bool(s.left[c] == 0 or e < end)


@njit(cache=True)
def _sum_gains(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, r: int) -> None:
    """gain[c] = weight of uncovered images in the ball of c, for every c that would cover r."""
    for e in range(start[r], stop[r]):
        s.gain[indices[e]] = 0
        s.mark[indices[e]] = s.scalars[CLOCK]
    if s.scalars[OPEN] <= stop[r] - start[r]:
        for p in range(s.scalars[OPEN]):
            u = s.uncovered[p]
            for e in range(start[u], stop[u]):
                s.gain[indices[e]] += s.weight[u]
    else:
        for e in range(start[r], stop[r]):
            c = indices[e]
            for f in range(start[c], stop[c]):
                if s.times[indices[f]] == 0:
                    s.gain[c] += s.weight[indices[f]]


@njit(cache=True)
def _best_for(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, r: int) -> int:
    """The centre to put in for image r: largest gain, of equals the one longest out, if it may return."""
    _sum_gains(start, stop, indices, s, r)
    best = -1
    for e in range(start[r], stop[r]):
        c = indices[e]
        better = best < 0 or s.gain[c] > s.gain[best] or (s.gain[c] == s.gain[best] and s.left[c] < s.left[best])
        if better and _may_return(start, stop, indices, s, c):
            best = c
    return best if best >= 0 else r


@njit(cache=True)
def _random_below(s: _State, n: int) -> np.int64:
    """xorshift64 with its state in the arrays: no global generator, the same numbers on every machine."""
    x = np.uint64(s.scalars[RANDOM])
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    s.scalars[RANDOM] = np.int64(x)
    return np.int64((x >> np.uint64(11)) % np.uint64(n))


@njit(cache=True)
def _run(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, s: _State, steps: int) -> tuple[int, int]:
    visits = 0
    for step in range(steps):
        if s.scalars[OPEN] == 0 or visits > CHUNK:
            return step, visits
        if s.scalars[K] > 0:
            out = _cheapest(s, s.scalars[CLOCK] - (s.scalars[K] > 1))
            if out >= 0:
                _leave(start, stop, indices, s, out)
        r = s.uncovered[_random_below(s, s.scalars[OPEN])]
        _enter(start, stop, indices, s, _best_for(start, stop, indices, s, r))
        for p in range(s.scalars[OPEN]):
            s.weight[s.uncovered[p]] += 1
        visits += (s.scalars[OPEN] + 3) * (stop[r] - start[r])
    return steps, visits
