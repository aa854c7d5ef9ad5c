"""The separation: the smallest distance between two train images of different classes.

When eps plus the covering radius exceeds half of it, balls of different classes meet and the bound of a
cover says little (METHODS.md, section 1). Exact in integers. Cost: all pairs of different classes, about
2 s for 5,000 images of 784 pixels in L2.
"""

import numpy as np

from core.events import Progress, Work
from core.types import Norm, TrainSplit

BLOCK = 1_000
LIMIT = 12_000  # images; above this the number of pairs takes minutes


def separation(train: TrainSplit, norm: Norm) -> Work[float | None]:
    """Measure the separation in pixel units of [0, 1].

    yields   Progress with stage "map"; done and total count train images
    returns  the distance, or None with one class only or more than LIMIT images
    """
    from core.covering.distances import Metric, flat, keys_between

    if len(train) > LIMIT or len(np.unique(train.y)) < 2:
        return None
    metric = Metric(norm, train.levels)
    order = np.argsort(train.y, kind="stable")
    rows, y = flat(train.x[order], metric), train.y[order]
    smallest = None
    for start in range(0, len(rows), BLOCK):
        stop = min(start + BLOCK, len(rows))
        others = int(np.searchsorted(y, y[start], side="right"))  # rows before belong to the block's first class
        if others < len(rows):
            keys = keys_between(rows[start:stop], rows[others:], metric)
            different = y[start:stop, None] != y[None, others:]
            if different.any():
                found = keys[different].min().item()
                smallest = found if smallest is None else min(smallest, found)
        yield Progress(stage="map", done=stop, total=len(rows), unit="images", note="distance between classes")
    return None if smallest is None else metric.radius(smallest)
