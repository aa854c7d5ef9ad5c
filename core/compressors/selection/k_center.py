"""k-center greedy: always take the image farthest from all taken so far, class by class.

Its covering radius is within twice the smallest possible one (Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5;
as a coreset: Sener & Savarese 2018, arXiv:1708.00489, there in feature space, here in pixels). The first centre of a
class is its image nearest to the class mean in L2, so the seed has no influence. Cost: ipc distances per image.
"""

import numpy as np

from core.compressors.selection.options import KCenter as Config
from core.covering.assemble import as_condensed
from core.covering.cover import farthest_points
from core.covering.distances import Metric, flat
from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, TrainSplit


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> Work[CondensedSet]:
    """Choose `ipc` images of each class by farthest-point greedy.

    yields   Progress; done and total count classes
    returns  CondensedSet that is a cover: every image belongs to the nearest chosen one of its class
    raises   ConfigError when there is nothing to choose from
    """
    if not len(train):
        raise ConfigError("k_center needs at least one train image, got none")
    metric = Metric(config.norm, train.levels)
    chosen: list[np.ndarray] = []
    for label in range(n_classes):
        members = np.flatnonzero(train.y == label)
        if len(members):
            chosen.append(members[np.sort(farthest_points(flat(train.x[members], metric), config.ipc, metric))])
        indices = np.concatenate([np.empty(0, np.int64), *chosen])
        yield Progress(
            stage="condense", done=label + 1, total=n_classes, unit="classes",
            values={"centres": float(len(indices))}, x=train.pixels(indices), y=train.y[indices],
        )  # fmt: skip
    return as_condensed(train, indices, metric, n_classes=n_classes, method="k_center", info={})
