"""Random selection: the bar for every method. Images drawn uniformly without replacement from each class."""

import numpy as np

from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, Options, TrainSplit, option, stream


class Config(Options):
    """Settings of random selection."""

    ipc: int = option(10, "images per class; a class with fewer gives all it has", unit="images", ge=1)


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> Work[CondensedSet]:
    """Draw `ipc` images of each class uniformly without replacement.

    yields   Progress; done and total count classes
    returns  CondensedSet with indices, ordered by class and then by row
    raises   ConfigError when there is nothing to draw from
    """
    if not len(train):
        raise ConfigError("random needs at least one train image, got none")
    rng = np.random.default_rng(stream(seed, "random"))
    chosen: list[np.ndarray] = []
    for label in range(n_classes):
        rows = np.flatnonzero(train.y == label)
        chosen.append(np.sort(rng.permutation(rows)[: config.ipc]))
        indices = np.concatenate(chosen)
        yield Progress(
            stage="condense", done=label + 1, total=n_classes, unit="classes",
            values={"centres": float(len(indices))}, x=train.pixels(indices), y=train.y[indices],
        )  # fmt: skip
    return CondensedSet(
        x=train.pixels(indices), y=train.y[indices], n_classes=n_classes, method="random", indices=indices
    )
