"""From chosen rows to a condensed set that carries its own covering: assignment, radii, weights, per class."""

from collections.abc import Mapping

import numpy as np

from core.covering.cover import cover_by
from core.covering.distances import Metric, flat
from core.types import CondensedSet, Told, TrainSplit, only_train


def as_condensed(
    train: TrainSplit, indices: np.ndarray, metric: Metric, *, n_classes: int, method: str, info: Mapping[str, object]
) -> CondensedSet:
    """Measure the covering that `indices` give and wrap it up.

    indices  train rows, at least one of every class that occurs in `train`
    info     further entries; k_per_class and radius_per_class are added
    returns  CondensedSet ordered by class and then by row, its radii recomputed from the pixels
    """
    only_train(train)
    indices = np.sort(np.asarray(indices, np.int64))
    indices = indices[np.argsort(train.y[indices], kind="stable")]
    assignment = np.empty(len(train), np.int64)
    ball_radius, weights = np.zeros(len(indices)), np.zeros(len(indices), np.int64)
    radii = [0.0] * n_classes
    for label in np.unique(train.y):
        members, places = np.flatnonzero(train.y == label), np.flatnonzero(train.y[indices] == label)
        cover = cover_by(flat(train.x[members], metric), np.searchsorted(members, indices[places]), metric)
        assignment[members] = places[cover.assignment]
        ball_radius[places] = [metric.radius(key) for key in cover.ball_key.tolist()]
        weights[places] = cover.weights
        radii[label] = float(ball_radius[places].max())
    counts = np.bincount(train.y[indices], minlength=n_classes).tolist()
    return CondensedSet(
        x=train.pixels(indices), y=train.y[indices], n_classes=n_classes, method=method, indices=indices,
        assignment=assignment, ball_radius=ball_radius, weights=weights, norm=metric.norm, radius=max(radii),
        info=Told.read({"k_per_class": counts, "radius_per_class": radii, **info}),
    )  # fmt: skip
