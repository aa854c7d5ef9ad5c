"""k-means: the centroids of each class, the plainest synthetic set there is.

Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489, from the start of Arthur & Vassilvitskii 2007 (k-means++). The rounds
are scikit-learn's, a slice at a time so that work can stop between two, and in one thread: several add in an order that
changes from run to run, and the last bits with it.
Cost: ipc distances per image and round, for each restart; 10 a class of MNIST take about 20 s.
"""

import time
import warnings
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from core.compressors.prototypes.options import KMeans as Config
from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, Told, TrainSplit, stream

PICTURE_S = 0.5  # seconds between images
PULSE_S = 0.1  # seconds between events
PRODUCTS = 2 * 10**9  # multiplications in a slice of rounds, half a second or so


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> Work[CondensedSet]:
    """Find `ipc` centroids of each class.

    yields   Progress; done and total count classes; value inertia, summed over the classes so far
    returns  CondensedSet without indices; weights count the train images of each centroid
    raises   ConfigError when there is nothing to average
    """
    if not len(train):
        raise ConfigError("k_means needs at least one train image, got none")
    found: dict[int, Clusters] = {}
    told = shown = float("-inf")
    for label in (int(label) for label in np.unique(train.y)):
        points = train.pixels(np.flatnonzero(train.y == label))
        points = points.reshape(len(points), -1)
        for restart in range(config.restarts):
            best, last = found.get(label), None
            for moment in lloyd(points, config, stream(seed, "k-means", label, restart)):
                last = moment or last
                if best is None and last is not None:
                    found[label] = last
                if time.monotonic() - told >= PULSE_S:
                    told = time.monotonic()
                    picture = told - shown >= PICTURE_S
                    shown = told if picture else shown
                    yield _report(train, found, label, n_classes, picture=picture)
            assert last is not None, "lloyd ends with clusters"
            found[label] = last if best is None or last.inertia < best.inertia else best
        yield _report(train, found, label + 1, n_classes, picture=True)
    x, y, weights = _assembled(train, found)
    info = Told(inertia=sum(part.inertia for part in found.values()))
    return CondensedSet(x=x, y=y, n_classes=n_classes, method="k-means", weights=weights, info=info)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Centroids (k, d) float64, how many points each has (k,) int64, and the sum of squared distances to them."""

    centres: np.ndarray
    sizes: np.ndarray
    inertia: float


def lloyd(points: np.ndarray, config: Config, seed: int) -> Generator[Clusters | None, None, None]:
    """Average and assign in turns until little or nothing changes.

    points  (n, d) float32
    yields  None for every first centre, then the clusters after every slice of rounds, none empty; the last are the
            result
    """
    centres = yield from _spread(points.astype(np.float64), config.ipc, np.random.default_rng(seed))
    size, left = max(1, PRODUCTS // (points.size * len(centres))), config.steps
    while left > 0:
        rounds = min(size, left)
        begin = centres.astype(points.dtype)
        slice_ = KMeans(len(begin), init=begin, n_init=1, max_iter=rounds, tol=config.tolerance)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # two centroids that became equal are made one below
            slice_.fit(points)
        centres, left = slice_.cluster_centers_, left - rounds
        yield _clusters(points, slice_.labels_)
        if slice_.n_iter_ < rounds:
            return


def _spread(points: np.ndarray, count: int, rng: np.random.Generator) -> Generator[None, None, np.ndarray]:
    """Points drawn one after the other, each by its squared distance to the nearest before (k-means++); all differ."""
    chosen = [int(rng.integers(len(points)))]
    away = cdist(points, points[chosen], "sqeuclidean")[:, 0]
    while len(chosen) < count and away.max() > 0:
        chosen.append(int(rng.choice(len(points), p=away / away.sum())))
        away = np.minimum(away, cdist(points, points[chosen[-1:]], "sqeuclidean")[:, 0])
        yield
    return points[chosen]


def _clusters(points: np.ndarray, owner: np.ndarray) -> Clusters:
    """The means of the points of each owner, and what they leave; float64."""
    _, owner, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    means = np.stack([points[owner == place].mean(0, dtype=np.float64) for place in range(len(sizes))])
    apart = [cdist(points[owner == place], means[[place]], "sqeuclidean").sum() for place in range(len(sizes))]
    return Clusters(means, sizes, float(sum(apart)))


def _assembled(train: TrainSplit, found: dict[int, Clusters]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and weights of all classes so far."""
    centres = np.concatenate([part.centres for part in found.values()])
    y = np.repeat(np.array(list(found), np.int64), [len(part.centres) for part in found.values()])
    x = np.clip(centres, 0, 1).astype(np.float32).reshape(-1, *train.shape)
    return x, y, np.concatenate([part.sizes for part in found.values()])


def _report(train: TrainSplit, found: dict[int, Clusters], done: int, n_classes: int, *, picture: bool) -> Progress:
    x, y, _ = _assembled(train, found) if picture and found else (None, None, None)
    inertia = sum(part.inertia for part in found.values())
    return Progress(stage="condense", done=done, total=n_classes, unit="classes", values={"inertia": inertia}, x=x, y=y)
