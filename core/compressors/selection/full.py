"""The whole train split, uncondensed: the reference row that every condensed set is compared with."""

from collections.abc import Mapping

import numpy as np

from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, Options, TrainSplit

SHOWN = 10  # images per class handed on with the progress event; the set itself holds all


class Config(Options):
    """There is nothing to set."""


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Return every train image, in order.

    yields   one Progress; done and total count images
    returns  CondensedSet with indices 0..n-1
    raises   ConfigError when the train split is empty
    """
    if not len(train):
        raise ConfigError("full needs at least one train image, got none")
    shown = np.concatenate([np.flatnonzero(train.y == label)[:SHOWN] for label in range(n_classes)])
    yield Progress(
        stage="condense", done=len(train), total=len(train), unit="images", x=train.pixels(shown), y=train.y[shown]
    )
    return CondensedSet(
        x=train.pixels(), y=train.y, n_classes=n_classes, method="full", indices=np.arange(len(train), dtype=np.int64)
    )
