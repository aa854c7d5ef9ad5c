"""How close classes come, as work that reports itself: `core.covering.separation` with progress.

When eps plus the covering radius exceeds half the separation, balls of different classes meet and the bound of a
cover says little (arXiv:2402.05675). Exact in integers. Cost: all pairs of different classes, 45 CPU s for MNIST in L2.
"""

from typing import TYPE_CHECKING

from core.events import Progress, Work
from core.types import Norm, TrainSplit

if TYPE_CHECKING:
    from core.covering.separation import Enemies


def enemies(train: TrainSplit, norm: Norm) -> "Work[Enemies]":
    """Find every train image's nearest image of another class.

    yields   Progress with stage "map"; done and total count train images
    returns  Enemies; `separation` is the smallest of their distances, None with one class only
    """
    from core.covering.distances import Metric
    from core.covering.separation import nearest_enemies

    work = nearest_enemies(train, Metric(norm, train.levels))
    try:
        while True:
            try:
                done = next(work)
            except StopIteration as stop:
                return stop.value
            yield Progress(stage="map", done=done, total=len(train), unit="images", note="distance between classes")
    finally:
        work.close()
