"""How close classes come: the nearest image of another class for every image, and the smallest such distance.

Half the separation is what eps + radius has to stay below for balls of different classes not to meet.
Exact in integers. Cost: all pairs of different classes once, for 60,000 MNIST images about a minute on one core.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from core.covering.distances import Metric, flat, keys_between
from core.covering.graph import row_blocks
from core.types import CondensedSet, TrainSplit, only_train


@dataclass(frozen=True, eq=False)
class Enemies:
    """Nearest image of another class.

    row       (n,) int64 train row of the nearest enemy, -1 when there is only one class
    distance  (n,) float64 in pixel units, inf when there is only one class
    """

    row: np.ndarray
    distance: np.ndarray

    @property
    def separation(self) -> float | None:
        """The smallest distance between images of different classes, None with one class only."""
        return float(self.distance.min()) if len(self.row) and self.row[0] >= 0 else None


def nearest_enemies(train: TrainSplit, metric: Metric) -> Generator[int, None, Enemies]:
    """Find every image's nearest image of another class.

    yields   images done so far
    returns  Enemies; of equally near enemies the one of lowest class, then row
    """
    only_train(train)
    order = np.argsort(train.y, kind="stable")
    rows, y = flat(train.x[order], metric), train.y[order]
    kind = metric.key_type(rows.shape[1])
    none = np.iinfo(kind).max if kind.kind == "i" else np.inf
    best, who = np.full(len(rows), none, kind), np.full(len(rows), -1, np.int64)
    for label in np.unique(y)[:-1]:
        mine = slice(*np.searchsorted(y, [label, label + 1]))
        later = np.arange(mine.stop, len(rows))
        for block in row_blocks(mine.stop - mine.start, len(later), kind.itemsize):
            own = np.arange(mine.start + block.start, mine.start + block.stop)
            keys = keys_between(rows[own], rows[later], metric)
            _improve(best, who, own, later, keys)
            _improve(best, who, later, own, keys.T)
            yield int(own[-1]) + 1
    distance, row = np.full(len(rows), np.inf), np.full(len(rows), -1, np.int64)
    found = who >= 0
    distance[order[found]] = [metric.radius(key) for key in best[found].tolist()]
    row[order[found]] = order[who[found]]
    return Enemies(row, distance)


def _improve(best: np.ndarray, who: np.ndarray, own: np.ndarray, others: np.ndarray, keys: np.ndarray) -> None:
    """Take over the nearest of `others` for each of `own` where it is nearer than before."""
    nearest = keys.argmin(axis=1)
    key = keys[np.arange(len(own)), nearest]
    nearer = key < best[own]
    best[own[nearer]], who[own[nearer]] = key[nearer], others[nearest[nearer]]


def mixed_balls(enemies: Enemies, condensed: CondensedSet) -> int:
    """How many balls of a cover contain a train image of another class."""
    return int((enemies.distance[condensed.indices] <= condensed.ball_radius).sum())
