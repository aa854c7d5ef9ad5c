"""One row of each table: what a method, data set, network or trainer must bring.

A module named in a table is imported by the page process to read its Config, so it imports torch,
torchvision, sklearn, numba and umap inside its functions, never at its top. A test enforces this.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.types.options import Options

Input = Literal["condensed", "model"]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A condensation method.

    kind      "coreset" selects real images, "synthetic" learns pixels
    condense  (train: TrainSplit, config, *, n_classes, seed, device, checkpoint=None) -> Work[CondensedSet]
    takes     options that name a finished run or a file, each with what is read from there: condense gets it as a
              keyword of the same name, a CondensedSet (None for "") or a TrainedModel ("" has one trained first)
    teacher   (config, shape of an image) -> {"network": ..., "training": ...} as a RunConfig takes them: the model
              that is trained first on the whole train split; needed where `takes` has a model
    """

    title: str
    kind: Literal["coreset", "synthetic"]
    source: str
    Config: type[Options]
    condense: Callable
    takes: Mapping[str, Input] = field(default_factory=dict)
    teacher: Callable[[Any, tuple[int, int, int]], dict[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A data set.

    kind  "embedded", "download" or "file"
    load  (config: DataConfig, *, root: Path) -> Work[Dataset], with all images; `limit` is applied after
    """

    title: str
    kind: Literal["embedded", "download", "file"]
    source: str
    load: Callable


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network family.

    build   (config, shape, n_classes, mean, std, *, seed) -> torch.nn.Module taking images in [0, 1]
    refuse  (config, shape) -> a sentence saying why it cannot take such images, or ""
    """

    title: str
    source: str
    Config: type[Options]
    build: Callable
    refuse: Callable


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """A way of training.

    train  (condensed, network, config, *, validation: TrainSplit, seed, device, checkpoint=None)
           -> Work[dict[str, TrainedModel]] with keys "last" and "best"
    """

    title: str
    source: str
    Config: type[Options]
    train: Callable
