"""The centres in a checkpoint of mfc, while a cover is being solved. Light: drawn by pages."""

from collections.abc import Mapping

import numpy as np

from core.types import TrainSplit


def rows(train: TrainSplit, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Train rows of the centres that a state holds, by class."""
    parts = np.split(np.asarray(state["centres"]), np.cumsum(state["counts"])[:-1])
    found = [np.flatnonzero(train.y == label)[own] for label, own in zip(state["labels"], parts, strict=True)]
    return np.concatenate([np.empty(0, np.int64), *found])
