"""Which condensed image each train image belongs to: the nearest of its own class, in pixel space.

A cover brings its own assignment; it is taken as it is. Coresets are compared in exact integers where
the data are integers, learned images in float64. Cost: N * ipc distances.
"""

import numpy as np

from core.covering.distances import Metric, flat, keys_between
from core.events import Progress, Work
from core.types import CondensedSet, Norm, TrainSplit, only_train

BLOCK = 2_000  # train images at a time


def belong(train: TrainSplit, condensed: CondensedSet, norm: Norm) -> Work[tuple[np.ndarray, np.ndarray]]:
    """Find owner and distance of every train image.

    norm     of the distances; the condensed set's own when it has one
    yields   Progress with stage "map"; done and total count train images
    returns  owner (N,) int64 row of the condensed set, -1 where its class has none;
             distance (N,) float64 in pixel units of [0, 1], NaN where there is no owner
    """
    only_train(train)
    exact = condensed.indices is not None
    metric = Metric(norm, train.levels if exact else 0)
    support = train.x[condensed.indices] if exact else condensed.x
    owner, distance = np.full(len(train), -1, np.int64), np.full(len(train), np.nan)
    done = 0
    for label in np.unique(train.y):
        members, own = np.flatnonzero(train.y == label), np.flatnonzero(condensed.y == label)
        centres = flat(support[own], metric) if len(own) else None
        for block in np.split(members, range(BLOCK, len(members), BLOCK)):
            if centres is not None:
                images = flat(train.x[block] if exact else train.pixels(block), metric)
                nearest, keys = _nearest(keys_between(images, centres, metric), block, own, condensed)
                owner[block] = own[nearest]
                distance[block] = [metric.radius(key) for key in keys.tolist()]
            done += len(block)
            yield Progress(stage="map", done=done, total=len(train), unit="images", note="memberships in pixel space")
    return owner, distance


def _nearest(
    keys: np.ndarray, block: np.ndarray, own: np.ndarray, condensed: CondensedSet
) -> tuple[np.ndarray, np.ndarray]:
    """Position in `own` of each image's owner, with the key: the cover's assignment, else the nearest."""
    nearest = keys.argmin(1)
    if condensed.assignment is not None:
        nearest = np.searchsorted(own, condensed.assignment[block])
    elif condensed.indices is not None:
        selected = {int(row): place for place, row in enumerate(condensed.indices[own])}
        for place, row in enumerate(block):
            nearest[place] = selected.get(int(row), nearest[place])  # of duplicates, each centre keeps itself
    return nearest, keys[np.arange(len(keys)), nearest]
