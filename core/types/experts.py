"""Networks on their way: the weights of several trainings after every epoch, which trajectory matching follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.types.origin import Origin


@dataclass(frozen=True, kw_only=True, eq=False)
class Experts:
    """Trajectories of k networks of one architecture.

    network    name in the table of networks
    options    its Config as a plain dict
    shape      (c, h, w) of the images it takes, in [0, 1]
    n_classes  width of its output
    mean, std  of its first layer, a number a channel
    weights    (k, epochs + 1, p) float32: the p parameters, joined in the network's order, before the first epoch and
               after each
    training   how they were trained, in words
    origin     the data set that they were trained on
    """

    network: str
    options: Mapping[str, object]
    shape: tuple[int, int, int]
    n_classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    weights: np.ndarray = field(repr=False)
    training: str = ""
    origin: Origin = field(default_factory=Origin)

    @property
    def epochs(self) -> int:
        return len(self.weights[0]) - 1
