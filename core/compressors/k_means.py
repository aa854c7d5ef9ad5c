"""k-means: the centroids of each class, the plainest synthetic set there is.

Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489, from the start of Arthur & Vassilvitskii 2007 (k-means++). Rounds of
our own rather than scikit-learn's, whose threads add in an order that changes from run to run, and its last bits so.
Cost: ipc distances per image and round, for each restart.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ConfigError
from core.events import Progress
from core.types import CondensedSet, Options, TrainSplit, option, stream

if TYPE_CHECKING:
    from core.events import Work

PICTURE_S = 0.5  # seconds between images
PULSE_S = 0.1  # seconds between events


class Config(Options):
    """Settings of k-means."""

    ipc: int = option(10, "centroids per class; fewer where a class has fewer distinct images", unit="images", ge=1)
    restarts: int = option(3, "fresh starts; the one with the smallest inertia is kept", ge=1, le=1000)
    steps: int = option(100, "rounds of Lloyd's algorithm at most, per start", unit="rounds", ge=1, advanced=True)


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> "Work[CondensedSet]":
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
        points = points.reshape(len(points), -1).astype(np.float64)
        for restart in range(config.restarts):
            best, last = found.get(label), None
            for moment in lloyd(points, config.ipc, config.steps, stream(seed, "k-means", label, restart)):
                last = moment or last
                if best is None and last is not None:
                    found[label] = last
                if time.monotonic() - told >= PULSE_S:
                    told = time.monotonic()
                    picture = told - shown >= PICTURE_S
                    shown = told if picture else shown
                    yield _report(train, found, label, n_classes, picture=picture)
            found[label] = last if best is None or last.inertia < best.inertia else best
        yield _report(train, found, label + 1, n_classes, picture=True)
    x, y, weights = _assembled(train, found)
    info = {"inertia": sum(part.inertia for part in found.values())}
    return CondensedSet(x=x, y=y, n_classes=n_classes, method="k-means", weights=weights, info=info)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Centroids (k, d) float64, how many points each has (k,) int64, and the sum of squared distances to them."""

    centres: np.ndarray
    sizes: np.ndarray
    inertia: float


def lloyd(points: np.ndarray, count: int, rounds: int, seed: int) -> Generator[Clusters | None, None, None]:
    """Average and assign in turns until nothing changes.

    points  (n, d) float64
    count   clusters; fewer come back where there are fewer distinct points
    yields  None for every first centre, then the clusters after every round, none empty; the last are the result
    """
    centres = yield from _spread(points, count, np.random.default_rng(seed))
    owner, away = _assign(points, centres)
    for _ in range(rounds):
        centres, owner = _filled(points, centres, owner, away)
        means = np.stack([points[owner == place].mean(0) for place in range(len(centres))])
        before = owner
        owner, away = _assign(points, means)
        centres = means
        yield Clusters(centres, np.bincount(before), float(((points - means[before]) ** 2).sum()))
        if np.array_equal(owner, before):
            return


def _spread(points: np.ndarray, count: int, rng: np.random.Generator) -> Generator[None, None, np.ndarray]:
    """Points drawn one after the other, each by its squared distance to the nearest before (k-means++); all differ."""
    chosen = [int(rng.integers(len(points)))]
    away = ((points - points[chosen[0]]) ** 2).sum(1)
    while len(chosen) < count and away.max() > 0:
        chosen.append(int(rng.choice(len(points), p=away / away.sum())))
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(1))
        yield
    return points[chosen]


def _assign(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre of each point and the squared distance to it; (n,) int64 and (n,) float64."""
    squared = (centres**2).sum(1) - 2 * points @ centres.T
    owner = squared.argmin(1)
    return owner, ((points - centres[owner]) ** 2).sum(1)


def _filled(
    points: np.ndarray, centres: np.ndarray, owner: np.ndarray, away: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give an empty cluster the point farthest from its centre; drop it when no point is away from its centre."""
    owner, away = owner.copy(), away.copy()
    sizes = np.bincount(owner, minlength=len(centres))
    for place in np.flatnonzero(sizes == 0):
        spare = np.where(sizes[owner] > 1, away, 0.0)
        if spare.max() <= 0:
            break
        far = int(spare.argmax())
        sizes[owner[far]] -= 1
        owner[far], away[far], sizes[place] = place, 0.0, 1
    kept = sizes > 0
    return centres[kept], (np.cumsum(kept) - 1)[owner]


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
