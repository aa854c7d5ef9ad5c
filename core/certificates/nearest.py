"""How far an image may move before the nearest of a set of centres is of another class: proven, for each image.

The classifier says the class of the L2-nearest centre; an image as near to a foreign centre counts as wrong. For the
answer to change, some foreign centre b must be nearer than every own centre a. Each a needs a move of at least r_ab
for that (see core.certificates.pair), so no move shorter than

  r(x) = min over foreign b of max over own a of r_ab(x),   r_ab = (|x - b|^2 - |x - a|^2) / (2 |a - b|_q)

changes it, 1/p + 1/q = 1. That is at least the usual max over a of min over b (Wang, Jha & Chaudhuri 2018,
arXiv:1706.03922; Voracek & Hein 2022, arXiv:2207.07208), and with the box r_ab is longer still: a pixel that is 0 or 1
cannot move further. With one own centre and one foreign it is the exact minimum; with more it is a lower bound.
All in float64, and the result is lowered by more than rounding can have raised it.
Cost: one distance per image and centre, then a few dozen pairs of centres per image; |S|^2 distances of centres.
"""

from collections.abc import Generator
from dataclasses import dataclass, fields

import numpy as np
from numba import njit
from scipy.spatial.distance import cdist

from core.certificates.pair import least
from core.errors import ConfigError
from core.types.data import Norm

KINDS: dict[Norm, int] = {"Linf": 0, "L2": 1, "L1": 2}
DUAL = {"Linf": "cityblock", "L2": "euclidean", "L1": "chebyshev"}
BLOCK = 4_000_000  # distances at a time, 32 MB
UNIT = 2.0**-53


@dataclass(frozen=True, eq=False)
class Centres:
    """Labelled centres: x (m, d) float64 in [0, 1], y (m,) int64."""

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "Centres":
        """Images (m, ...) of any float type as rows; refuses what is no set of centres."""
        if not len(x) or len(x) != len(y):
            raise ConfigError(f"a nearest-neighbour classifier needs labelled images, got {len(x)} and {len(y)} labels")
        rows = np.array(x.reshape(len(x), -1), np.float64, order="C")  # own: compiled code tells read-only arrays apart
        if not np.isfinite(rows).all():
            raise ConfigError(
                "the images of a nearest-neighbour classifier must be finite numbers, got NaN or infinity"
            )
        return cls(rows, np.array(y, np.int64))


@dataclass(frozen=True, eq=False)
class Proven:
    """What is proven of each image.

    radius   (n,) float64, no move shorter than this makes it wrong; 0 where it is wrong already, infinite where
             nothing in the box does
    own      (n,) int64 nearest centre of its class, -1 where the class has none
    foreign  (n,) int64 nearest centre of another class, -1 where there is none
    keeper, rival  (n,) int64 the own and the foreign centre whose pair decides the radius, -1 where it is 0 or infinite
    """

    radius: np.ndarray
    own: np.ndarray
    foreign: np.ndarray
    keeper: np.ndarray
    rival: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(n,) bool: nearest to its own class."""
        return self.radius > 0

    def take(self, part: slice) -> "Proven":
        """The same of some of the images."""
        return Proven(*(getattr(self, field.name)[part] for field in fields(self)))


def prove(
    x: np.ndarray, y: np.ndarray, centres: Centres, norm: Norm, *, box: bool = True
) -> Generator[int, None, Proven]:
    """The proven radius of each image.

    x        (n, ...) in [0, 1], any float type
    y        (n,) int64 its classes
    box      whether moves must stay in [0, 1], which makes the radius longer; without it any point may be reached
    yields   how many images are done: 0 while centres are compared, then after each block
    returns  Proven
    raises   ConfigError for an unknown norm or other images
    """
    if norm not in KINDS:
        raise ConfigError(f"norm must be one of {', '.join(KINDS)}, got {norm!r}")
    if x[0:1].size != len(x[0:1]) * centres.x.shape[1]:
        raise ConfigError(f"the images have {x[0].size} pixels, the centres {centres.x.shape[1]}: use one data set")
    size = max(1, BLOCK // len(centres.y))
    apart = np.empty((len(centres.y), len(centres.y)))
    for first in range(0, len(apart), max(1, size // 10)):
        rows = slice(first, first + max(1, size // 10))
        apart[rows] = cdist(centres.x[rows], centres.x, DUAL[norm])
        yield 0
    radius, (own, foreign, keeper, rival) = np.zeros(len(x)), np.full((4, len(x)), -1, np.int64)
    for first in range(0, len(x), size):
        rows = slice(first, min(len(x), first + size))
        part = np.ascontiguousarray(x[rows].reshape(-1, centres.x.shape[1]), np.float64)
        away = cdist(part, centres.x, "sqeuclidean")
        _block(part, y[rows], away, centres.x, centres.y, apart, KINDS[norm], box,
               radius[rows], own[rows], foreign[rows], keeper[rows], rival[rows])  # fmt: skip
        yield rows.stop
    return Proven(radius, own, foreign, keeper, rival)


@njit(cache=True)
def _block(x, y, away, c, labels, apart, kind, box, radius, own, foreign, keeper, rival):
    for i in range(len(x)):
        mine, others = np.flatnonzero(labels == y[i]), np.flatnonzero(labels != y[i])
        if len(mine):
            own[i] = mine[away[i][mine].argmin()]
        if len(others):
            foreign[i] = others[away[i][others].argmin()]
        if len(mine) and len(others):
            radius[i], keeper[i], rival[i] = _radius(x[i], away[i], c, mine, others, apart, kind, box)
        elif len(mine):
            radius[i] = np.inf


@njit(cache=True)
def _radius(x, away, c, mine, others, apart, kind, box):
    """min over foreign of max over own, and the pair it is of; stops when no other foreign centre can be less."""
    pixels = len(x)
    plain = np.zeros((len(others), len(mine)))  # without the box, and the half differences of squares with their errors
    half = np.zeros((len(others), len(mine)))
    for j in range(len(others)):
        for k in range(len(mine)):
            a, b = away[mine[k]], away[others[j]]
            half[j, k] = (b - a) / 2 - (pixels + 4) * UNIT * (a + b)
            if half[j, k] > 0:
                plain[j, k] = half[j, k] / apart[others[j], mine[k]]
    least_needed = np.zeros(len(others))
    for j in range(len(others)):
        least_needed[j] = plain[j].max()
    found, keeper, rival = np.inf, -1, -1
    for j in np.argsort(least_needed):
        if least_needed[j] >= found:
            break
        if not box or least_needed[j] == 0:
            found = least_needed[j]
            if found > 0:
                keeper, rival = mine[plain[j].argmax()], others[j]
            break
        needed, held = 0.0, -1
        for k in np.argsort(-plain[j]):
            if half[j, k] <= 0:
                break
            start = max(needed, plain[j, k])
            reached = least(x, c[mine[k]], c[others[j]], half[j, k], kind, start, found)
            if reached > needed:
                needed, held = reached, mine[k]
            if needed >= found:
                break
        if needed < found:
            found, keeper, rival = needed, held, others[j]
    return found * (1 - 8 * (pixels + 64) * UNIT), keeper, rival
