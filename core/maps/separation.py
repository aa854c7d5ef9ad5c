"""How close classes come, as work that reports itself: `core.covering.separation` with progress.

When eps plus the covering radius exceeds half the separation, balls of different classes meet and the bound of a
cover says little (arXiv:2402.05675). Exact in integers. Cost: all pairs of different classes, 45 CPU s for MNIST in L2.
"""

from core.covering.distances import Metric
from core.covering.separation import Enemies, nearest_enemies
from core.events import Progress, Work, through
from core.types import Norm, TrainSplit


def enemies(train: TrainSplit, norm: Norm) -> Work[Enemies]:
    """Find every train image's nearest image of another class.

    yields   Progress with stage "map"; done and total count train images
    returns  Enemies; `separation` is the smallest of their distances, None with one class only
    """
    work = nearest_enemies(train, Metric(norm, train.levels))

    def say(done: int) -> Progress:
        return Progress(stage="map", done=done, total=len(train), unit="images", note="distance between classes")

    return (yield from through(work, say))
