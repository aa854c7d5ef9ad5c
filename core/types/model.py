"""A trained model as a value: what is needed to rebuild the network, and how it was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.types.origin import Origin


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedModel:
    """Weights with everything needed to use them.

    network    name in the table of networks
    options    its Config as a plain dict
    shape      (c, h, w) of the images it takes, in [0, 1]
    n_classes  width of its output
    state      parameters and buffers by name
    kept       "last" or "best": which moment of training the weights are from
    epoch      that moment, counted from 1
    selection  how "best" was judged, in words; "" for "last"
    origin     the data set behind what it was trained on; blank for networks from elsewhere
    """

    network: str
    options: Mapping[str, object]
    shape: tuple[int, int, int]
    n_classes: int
    state: Mapping[str, np.ndarray] = field(repr=False)
    kept: str
    epoch: int
    selection: str = ""
    origin: Origin = field(default_factory=Origin)
