"""The attack that fits the certificate: straight from the nearest own centre towards each foreign one.

Within the ball and the box the move d with the largest g . d, g = b - a, is the sign of g times

  Linf  min(eps, room)     L2  min(l |g|, room) with the l that makes it eps long     L1  room, largest |g| first

the other side of core.certificates.pair: with one own and one foreign centre it finds a move whenever there is one.
Where another own centre is nearer after the move, the next try leaves from the mean of those met so far.
Cost: at most `TRIES` moves for each image and foreign centre that is near enough, until one succeeds.
"""

from collections.abc import Generator

import numpy as np
from numba import njit

from core.certificates.nearest import KINDS, Centres
from core.types.data import Norm

TRIES = 4  # own centres met on the way to a foreign one
BLOCK = 200  # images between two signs of life


def towards_each(
    x: np.ndarray, y: np.ndarray, centres: Centres, norm: Norm, eps: float
) -> Generator[int, None, tuple[np.ndarray, np.ndarray]]:
    """Move each image within eps so that a foreign centre is nearest, where that is found.

    x        (n, ...) in [0, 1], any float type
    y        (n,) int64 its classes
    yields   how many images are done
    returns  images (n, ...) float64 in [0, 1], unmoved where they did not fall, and (n,) bool which fell; an image that
             is wrong without a move has fallen where it is
    """
    rows = np.array(x.reshape(len(x), -1), np.float64)
    fell = np.zeros(len(rows), bool)
    for first in range(0, len(rows), BLOCK):
        part = slice(first, min(len(rows), first + BLOCK))
        _fall(rows[part], y[part], centres.x, centres.y, KINDS[norm], eps, fell[part])
        yield part.stop
    return rows.reshape(x.shape), fell


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def away(x, c):
    total = 0.0
    for i in range(len(x)):
        total += (x[i] - c[i]) ** 2
    return total


@njit(cache=True)
def _nearest(x, c, members):
    best, place = np.inf, -1
    for k in members:
        far = away(x, c[k])
        if far < best:
            best, place = far, k
    return best, place


@njit(cache=True)
def _fall(x, y, c, labels, kind, eps, fell):
    """Move rows of x in place where they fall, the nearest foreign centres first."""
    for i in range(len(x)):
        mine, others = np.flatnonzero(labels == y[i]), np.flatnonzero(labels != y[i])
        if not len(others) or not len(mine):
            fell[i] = len(others) > 0
            continue
        own, first = _nearest(x[i], c, mine)
        gaps = np.array([away(x[i], c[b]) - own for b in others])
        fell[i] = gaps.min() <= 0
        for j in np.argsort(gaps):
            if fell[i]:
                break
            if gaps[j] <= 2 * eps * _length(c[others[j]] - c[first], kind):
                fell[i] = _cross(x[i], c, mine, first, others[j], kind, eps)


@njit(cache=True)
def _cross(x, c, mine, first, b, kind, eps):
    """Move x in place to where b is the nearest centre, if one of a few tries finds such a point."""
    origin = c[first].copy()
    for attempt in range(TRIES):
        moved = farthest(x, origin, c[b], kind, eps)
        near, met = _nearest(moved, c, mine)
        goal = away(moved, c[b])
        if goal <= near:
            x[:] = moved
            return True
        if attempt == 0 and goal > away(moved, c[first]):
            return False  # nothing in reach is nearer to b than to the first
        origin += (c[met] - origin) / (attempt + 2)
    return False


@njit(cache=True)
def _length(g, kind):
    """The dual norm: how much g . d a move of length one can reach."""
    if kind == 0:
        return np.abs(g).sum()
    return np.sqrt((g * g).sum()) if kind == 1 else np.abs(g).max()


@njit(cache=True)
def farthest(x, a, b, kind, eps):
    """The image within eps and [0, 1] that is farthest along b - a."""
    g = b - a
    w, room = np.abs(g), np.where(g > 0, 1 - x, x)
    if kind == 0:
        size = np.minimum(room, eps)
    elif kind == 1:
        size = np.minimum(_rate(w, room, eps) * w, room)
    else:
        size, left = np.zeros_like(x), eps
        for i in np.argsort(-w):
            if left <= 0 or w[i] == 0:
                break
            size[i] = min(room[i], left)
            left -= size[i]
    return np.minimum(np.maximum(x + size * np.sign(g), 0.0), 1.0)


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _rate(w, room, eps):
    """The largest l with |min(l w, room)|_2 <= eps: fix the pixels that are full, share the rest, until none is new."""
    rate, full = 0.0, -1
    while True:
        used, free, count = 0.0, 0.0, 0
        for i in range(len(w)):
            if rate * w[i] >= room[i]:
                used += room[i] ** 2
                count += 1
            else:
                free += w[i] ** 2
        if count == full or free == 0 or used >= eps * eps:
            return rate
        rate, full = np.sqrt((eps * eps - used) / free), count
