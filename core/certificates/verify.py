"""Verify claimed radii of the nearest-neighbour classifier from the pixels, the other way round than they were proven.

`nearest` looks for the shortest move that makes two centres equally near. Here, for each foreign centre b, an own
centre is looked for that stays nearer than b even after the best move towards b within the claimed radius and the box,
made and measured pixel by pixel (core.certificates.line). As the difference of squared distances is linear in the move,
that covers every move. Nothing of the proof is used but its claim; one part in a billion is left to rounding.
Cost: a few moves for each image and foreign centre.
"""

from collections.abc import Generator

import numpy as np
from numba import njit

from core.certificates.line import away, farthest
from core.certificates.nearest import KINDS, Centres
from core.errors import ConfigError
from core.types.data import Norm

ROUNDING = 1e-9
BLOCK = 100  # images between two signs of life


def holds(
    x: np.ndarray, y: np.ndarray, radius: np.ndarray, centres: Centres, norm: Norm
) -> Generator[int, None, np.ndarray]:
    """(n,) bool: whether no move of at most this length makes the image wrong; a radius of 0 claims nothing.

    x       (n, ...) in [0, 1], any float type
    y       (n,) int64 its classes
    radius  (n,) claimed, infinite where nothing in the box is said to do
    yields  how many images are done
    raises  ConfigError for an unknown norm or radii that are no lengths
    """
    if norm not in KINDS:
        raise ConfigError(f"norm must be one of {', '.join(KINDS)}, got {norm!r}")
    if len(radius) != len(x) or not (radius >= 0).all():
        raise ConfigError(f"each of {len(x)} images needs a radius of at least 0, got {len(radius)} radii")
    rows = np.array(x.reshape(len(x), -1), np.float64)
    whole = {"Linf": 1.0, "L2": np.sqrt(rows.shape[1]), "L1": float(rows.shape[1])}[norm]
    claimed = np.minimum(np.asarray(radius, np.float64), whole) * (1 - ROUNDING)
    true = np.ones(len(rows), bool)
    for first in range(0, len(rows), BLOCK):
        part = slice(first, min(len(rows), first + BLOCK))
        _check(rows[part], y[part], claimed[part], centres.x, centres.y, KINDS[norm], true[part])
        yield part.stop
    return true


@njit(cache=True)
def _check(x, y, radius, c, labels, kind, true):
    for i in range(len(x)):
        mine, others = np.flatnonzero(labels == y[i]), np.flatnonzero(labels != y[i])
        if radius[i] <= 0 or not len(others):
            true[i] = radius[i] <= 0 or len(mine) > 0
            continue
        order = mine[np.argsort(np.array([away(x[i], c[a]) for a in mine]))]
        for b in others:
            if not _safe(x[i], c, order, b, kind, radius[i]):
                true[i] = False
                break


@njit(cache=True)
def _safe(x, c, order, b, kind, radius):
    """Whether some own centre stays nearer than b within the radius."""
    for a in order:
        moved = farthest(x, c[a], c[b], kind, radius)
        if away(moved, c[a]) < away(moved, c[b]):
            return True
    return False
