"""The ball graph: which images lie within a radius of which, as sorted neighbour lists.

`BallGraph` is a compressed sparse matrix whose rows may end early, so that the graph of a smaller radius is
the same memory with earlier ends when the neighbours of each row were sorted by key. The relation is
symmetric: row i lists both what a ball around i covers and which centres cover i.
Distances are computed in blocks of rows; memory is estimated before it is used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numba import njit

from core.covering.distances import Metric, keys_between
from core.errors import ResourceError

DEFAULT_MEMORY = 4_000_000_000
BLOCK_BYTES = 48_000_000  # one block of keys; small enough to keep progress and peak memory fine-grained


@dataclass(frozen=True, eq=False)
class BallGraph:
    """Neighbour lists of n images, each list containing the image itself.

    start, stop  (n,) int64: the neighbours of i are indices[start[i]:stop[i]]
    indices      (nnz,) int32
    keys         (nnz,) keys of the pairs, increasing within a row, or None when not sorted
    """

    start: np.ndarray
    stop: np.ndarray
    indices: np.ndarray
    keys: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.start)

    def row(self, i: int) -> np.ndarray:
        """(deg,) int32 neighbours of i."""
        held: np.ndarray = self.indices[self.start[i] : self.stop[i]]
        return held

    @property
    def degree(self) -> np.ndarray:
        """(n,) int64 length of each list."""
        lengths: np.ndarray = self.stop - self.start
        return lengths

    def within(self, threshold: float) -> "BallGraph":
        """The graph of a smaller threshold, sharing memory."""
        assert self.keys is not None, "only a graph with sorted keys can be shrunk"
        return BallGraph(self.start, _ends(self.start, self.stop, self.keys, threshold), self.indices, self.keys)


def row_blocks(n: int, m: int, item: int) -> Iterator[slice]:
    """Slices of n rows such that a block of rows x m keys of `item` bytes stays near BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // max(1, 3 * m * item))
    for first in range(0, n, rows):
        yield slice(first, min(n, first + rows))


def need(bytes_needed: int, limit: int, n: int, what: str, fits: Callable[[], str]) -> None:
    """Refuse work that would not fit.

    fits    called for the sentence that says what would fit
    raises  ResourceError
    """
    if bytes_needed > limit:
        raise ResourceError(
            f"{what} of {n} images needs about {bytes_needed / 1e6:.0f} MB, more than the limit of "
            f"{limit / 1e6:.0f} MB; {fits()}"
        )


def all_keys(rows: np.ndarray, metric: Metric, memory: int = DEFAULT_MEMORY) -> np.ndarray:
    """The symmetric (n, n) matrix of keys.

    raises  ResourceError when n * n keys would exceed `memory` bytes
    """
    kind, n = metric.key_type(rows.shape[1]), len(rows)
    total = n * n * kind.itemsize + BLOCK_BYTES
    most = int((max(0, memory - BLOCK_BYTES) / kind.itemsize) ** 0.5)
    need(total, memory, n, "the distance table", lambda: f"{most} images a class would fit, or cover it in shards")
    out = np.empty((n, n), kind)
    for block in row_blocks(n, 4 * n, kind.itemsize):  # narrow blocks: what is left of the diagonal is not computed
        out[block, block.start :] = keys_between(rows[block], rows[block.start :], metric)
    _mirror(out)
    return out


def ball_graph(rows: np.ndarray, metric: Metric, threshold: float, memory: int = DEFAULT_MEMORY) -> BallGraph:
    """Build the graph of {key <= threshold} in blocks, never holding an n x n matrix.

    rows     (n, d) from `flat`
    memory   bytes that the neighbour lists may take
    raises   ResourceError as soon as the lists are known not to fit
    """
    n, kind = len(rows), metric.key_type(rows.shape[1])
    parts, degree, filled = [], np.empty(n, np.int64), 0
    for block in row_blocks(n, n, kind.itemsize):
        keys = keys_between(rows[block], rows, metric)
        degree[block] = _count(keys, threshold)
        parts.append(_collect(keys, threshold, int(degree[block].sum())))
        filled += len(parts[-1])
        expected = 8 * filled * n // block.stop + BLOCK_BYTES  # twice 4 bytes: the parts and their union
        most = int(n * (memory / expected) ** 0.5)
        need(expected, memory, n, "the ball graph", partial(_fitting, most))
    stop = np.cumsum(degree)
    return BallGraph(stop - degree, stop, np.concatenate(parts) if parts else np.empty(0, np.int32))


def _fitting(most: int) -> str:
    return f"about {most} images would fit, or shards"


def graph_of_keys(keys: np.ndarray, threshold: float) -> BallGraph:
    """The graph of {key <= threshold} from the (n, n) matrix of keys."""
    degree = _count(keys, threshold)
    stop = np.cumsum(degree)
    return BallGraph(stop - degree, stop, _collect(keys, threshold, int(degree.sum())))


def sorted_graph(keys: np.ndarray, threshold: float) -> BallGraph:
    """As `graph_of_keys` with each list sorted by key (ties by index), so that `within` works."""
    graph = graph_of_keys(keys, threshold)
    values = np.empty(len(graph.indices), keys.dtype)
    _sort_rows(keys, graph.start, graph.stop, graph.indices, values)
    return BallGraph(graph.start, graph.stop, graph.indices, values)


@njit(cache=True)
def _mirror(keys: np.ndarray) -> None:
    for i in range(keys.shape[0]):
        for j in range(i):
            keys[i, j] = keys[j, i]


@njit(cache=True)
def _count(keys: np.ndarray, threshold: float) -> np.ndarray:
    degree = np.zeros(keys.shape[0], np.int64)
    for i in range(keys.shape[0]):
        for j in range(keys.shape[1]):
            degree[i] += keys[i, j] <= threshold
    return degree


@njit(cache=True)
def _collect(keys: np.ndarray, threshold: float, total: int) -> np.ndarray:
    out = np.empty(total, np.int32)
    at = 0
    for i in range(keys.shape[0]):
        for j in range(keys.shape[1]):
            if keys[i, j] <= threshold:
                out[at] = j
                at += 1
    return out


@njit(cache=True)
def _sort_rows(keys: np.ndarray, start: np.ndarray, stop: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
    for i in range(len(start)):
        row = indices[start[i] : stop[i]]
        key = keys[i][row]
        order = np.argsort(key, kind="mergesort")
        indices[start[i] : stop[i]] = row[order]
        values[start[i] : stop[i]] = key[order]


@njit(cache=True)
def _ends(start: np.ndarray, stop: np.ndarray, keys: np.ndarray, threshold: float) -> np.ndarray:
    ends = np.empty_like(stop)
    for i in range(len(start)):
        ends[i] = start[i] + np.searchsorted(keys[start[i] : stop[i]], threshold, side="right")
    return ends


@njit(cache=True)
def closest(keys: np.ndarray, images: np.ndarray) -> float:
    """The smallest key between two of at least two images."""
    best: float = keys[images[0], images[1]]
    for i in range(len(images)):
        for j in range(i):
            best = min(best, keys[images[i], images[j]])
    return best


@njit(cache=True)
def at_most(keys: np.ndarray, limit: float) -> float:
    """The largest key that is at most `limit`; the smallest diagonal 0 otherwise."""
    best: float = keys[0, 0]
    for i in range(len(keys)):
        for j in range(i):
            if best < keys[i, j] <= limit:
                best = keys[i, j]
    return best


@njit(cache=True)
def below(keys: np.ndarray, limit: float) -> float:
    """The largest key smaller than `limit`, 0 at least."""
    best: float = keys[0, 0]
    for i in range(len(keys)):
        for j in range(i):
            if best < keys[i, j] < limit:
                best = keys[i, j]
    return best


@njit(cache=True)
def above(keys: np.ndarray, limit: float) -> float:
    """The smallest key larger than `limit`, or the largest of all."""
    best: float = keys.max()
    for i in range(len(keys)):
        for j in range(i):
            if limit < keys[i, j] < best:
                best = keys[i, j]
    return best
