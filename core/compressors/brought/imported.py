"""A set that was made elsewhere, taken as it is: the bar is then the same for it as for every method here.

It is read and compared with the data before this begins. Nothing it says of itself besides images and labels is kept,
since none of it was proven here; a cover can be certified by `python -m core certify`. Cost: none.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.brought.options import Imported
from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, TrainSplit


def condense(
    train: TrainSplit,
    config: Imported,
    *,
    n_classes: int,
    seed: int,
    device: str,
    set: CondensedSet | None = None,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Return the images and labels of the set.

    yields   one Progress; done and total count images
    raises   ConfigError without a set, or when it has another number of images per class than was asked for
    """
    if not len(train):
        raise ConfigError("imported needs at least one train image to compare the set with, got none")
    if set is None:
        raise ConfigError("imported needs a set: name a file or a run that left one as --set, or bring one in the Lab")
    counts = np.bincount(set.y, minlength=n_classes)
    if config.ipc is not None and (counts != config.ipc).any():
        raise ConfigError(
            f"the set has {counts.min()} to {counts.max()} images per class, ipc asks for {config.ipc}: leave it "
            "empty, or compare at the budget that the set has"
        )
    yield Progress(stage="condense", done=len(set), total=len(set), unit="images", x=set.x, y=set.y)
    return CondensedSet(
        x=set.x, y=set.y, n_classes=n_classes, method="imported", soft_labels=set.soft_labels, info=set.info
    )
