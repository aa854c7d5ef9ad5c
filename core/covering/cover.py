"""A cover as a value, and how images find their centre.

An image belongs to the nearest centre (of its class); of equally near ones to the first. The radius of a ball
is the largest distance to an image that belongs to it, its weight their number.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from core.covering.distances import Metric, keys_between
from core.covering.graph import BallGraph, row_blocks


@dataclass(frozen=True, eq=False)
class Cover:
    """Centres among n images, and what each covers.

    centres     (k,) int64 rows, increasing
    assignment  (n,) int64 image -> position in centres
    ball_key    (k,) key of the farthest image that belongs to each centre
    weights     (k,) int64 images that belong to each centre, itself included
    """

    centres: np.ndarray
    assignment: np.ndarray
    ball_key: np.ndarray
    weights: np.ndarray

    @property
    def key(self) -> float:
        """The largest ball's key: an int for grey steps."""
        largest: float = self.ball_key.max().item()
        return largest


def cover_by(rows: np.ndarray, centres: np.ndarray, metric: Metric) -> Cover:
    """Assign every image to its nearest centre.

    rows     (n, d) from `flat`
    centres  (k,) rows that are centres, k >= 1, without repetition
    """
    centres = np.sort(np.asarray(centres, np.int64))
    owner = np.empty(len(rows), np.int64)
    nearest = np.empty(len(rows), metric.key_type(rows.shape[1]))
    for block in row_blocks(len(rows), len(centres), nearest.itemsize):
        keys = keys_between(rows[block], rows[centres], metric)
        owner[block] = keys.argmin(1)
        nearest[block] = keys[np.arange(len(keys)), owner[block]]
    owner[centres] = np.arange(len(centres))  # of duplicate centres, each keeps itself
    ball_key = np.zeros(len(centres), nearest.dtype)
    np.maximum.at(ball_key, owner, nearest)
    return Cover(centres, owner, ball_key, np.bincount(owner, minlength=len(centres)))


def farthest_points(rows: np.ndarray, k: int, metric: Metric) -> np.ndarray:
    """Choose centres by farthest-point greedy: within twice the smallest possible radius.

    The first centre is the image nearest to the mean image (in L2; the first of ties), so no seed is involved.
    Each next one is the image farthest from all centres so far. Stops early when every image is a centre's
    duplicate.

    rows     (n, d) from `flat`
    returns  (<= k,) int64 in the order chosen
    source   Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5
    """
    chosen = [_nearest_to_mean(rows)]
    nearest = keys_between(rows, rows[chosen], metric)[:, 0]
    while len(chosen) < min(k, len(rows)):
        far = int(nearest.argmax())
        if nearest[far] == 0:
            break
        chosen.append(far)
        np.minimum(nearest, keys_between(rows, rows[far : far + 1], metric)[:, 0], out=nearest)
    return np.array(chosen, np.int64)


def _nearest_to_mean(rows: np.ndarray) -> int:
    """The row nearest to the mean row in L2, the first of ties."""
    mean = rows.mean(axis=0, dtype=np.float64)
    blocks = row_blocks(len(rows), rows.shape[1], 8)
    return int(np.argmin(np.concatenate([np.square(rows[block] - mean).sum(1) for block in blocks])))


def greedy(graph: BallGraph) -> np.ndarray:
    """Cover by always taking the image whose ball holds most uncovered images, then drop redundant centres.

    At most H(largest ball) times the smallest cover. Ties are broken the same way every time.

    returns  (k,) int64 centres in the order taken, none of them redundant
    source   Chvatal 1979, doi:10.1287/moor.4.3.233
    """
    return cover_lists(graph.start, graph.stop, graph.indices, len(graph))


def cover_lists(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, points: int) -> np.ndarray:
    """As `greedy`, where candidate c covers the images indices[start[c]:stop[c]] of 0..points-1."""
    taken = _greedy(start, stop, indices, points)
    return _without_redundant(start, stop, indices, taken, points)


@njit(cache=True)
def _greedy(start: np.ndarray, stop: np.ndarray, indices: np.ndarray, points: int) -> np.ndarray:
    """Gains only fall, so an image sits in the bucket of its last known gain and is re-filed when it is met."""
    n = len(start)
    gain = stop - start
    covered = np.zeros(points, np.bool_)
    head = np.full(points + 1, -1, np.int64)
    following = np.empty(n, np.int64)
    for i in range(n - 1, -1, -1):
        following[i] = head[gain[i]]
        head[gain[i]] = i
    taken = np.empty(n, np.int64)
    k, left, level = 0, points, points
    while left > 0:
        while head[level] < 0:
            level -= 1
        best = head[level]
        head[level] = following[best]
        now = 0
        for e in range(start[best], stop[best]):
            now += not covered[indices[e]]
        if now < level:
            following[best] = head[now]
            head[now] = best
            continue
        taken[k] = best
        k += 1
        left -= now
        for e in range(start[best], stop[best]):
            covered[indices[e]] = True
    return taken[:k]


@njit(cache=True)
def _without_redundant(
    start: np.ndarray, stop: np.ndarray, indices: np.ndarray, taken: np.ndarray, points: int
) -> np.ndarray:
    """Drop, from the last taken to the first, every centre all of whose images are covered twice."""
    count = np.zeros(points, np.int32)
    for c in taken:
        for e in range(start[c], stop[c]):
            count[indices[e]] += 1
    keep = np.ones(len(taken), np.bool_)
    for p in range(len(taken) - 1, -1, -1):
        c = taken[p]
        needed = False
        for e in range(start[c], stop[c]):
            if count[indices[e]] == 1:
                needed = True
                break
        if not needed:
            keep[p] = False
            for e in range(start[c], stop[c]):
                count[indices[e]] -= 1
    return taken[keep]
