"""One row of each table: what a method, data set, network or trainer must bring.

A row holds the Config, which pages read, and names the work (`Named`), which only workers import. So the files of
Configs are light, and those of the work import torch and the like at their top. A test enforces this.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.types.options import Options

Input = Literal["condensed", "model", "brought", "experts"]


class NetworkOptions(Options):
    """Base of every network's Config."""

    def refuse(self, shape: tuple[int, int, int]) -> str:
        """A sentence saying why the network cannot take images of (c, h, w), or ""."""
        return ""

    @classmethod
    def of_weights(cls, shapes: Sequence[tuple[int, ...]]) -> Iterator[dict[str, Any]]:
        """The options that a network with tensors of these shapes may have; none where they tell nothing."""
        yield from ()


@dataclass(frozen=True, kw_only=True)
class Method:
    """A condensation method.

    kind      "coreset" selects real images, "synthetic" learns pixels
    condense  `OnTrain`: (train: TrainSplit, config, *, n_classes, seed, device, checkpoint=None) -> Work[CondensedSet]
    takes     options that name a finished run or a file, each with what is read from there: condense gets it as a
              keyword of the same name, a CondensedSet (None for "") or a TrainedModel or Experts ("" has one or some
              trained first); "brought" is a set from elsewhere, in any form, as the other options say
    version   raised when the same settings and seed would give other images than before
    alone     what the paper claims of networks that see these images without an attack; "" when it claims nothing
    teacher   (config, shape of an image) -> {"network": ..., "training": ...} as a RunConfig takes them: the model
              or each expert that is trained first on the whole train split; needed where `takes` has these
    """

    title: str
    kind: Literal["coreset", "synthetic"]
    source: str
    Config: type[Options]
    condense: Callable[..., Any]
    takes: Mapping[str, Input] = field(default_factory=dict)
    teacher: Callable[[Any, tuple[int, int, int]], dict[str, Any]] | None = None
    version: int = 1
    alone: str = ""


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A data set.

    kind  "embedded", "download" or "file"
    load  (config: DataConfig, *, root: Path) -> Work[Dataset], with all images; `limit` is applied after
    """

    title: str
    kind: Literal["embedded", "download", "file"]
    source: str
    load: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network family.

    build   (config, shape, n_classes, mean, std, *, seed) -> torch.nn.Module taking images in [0, 1]
    version  raised when the same settings and seed would give another network than before
    """

    title: str
    source: str
    Config: type[NetworkOptions]
    build: Callable[..., Any]
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """A way of training.

    train  (condensed, network, config, *, validation: TrainSplit, seed, device, checkpoint=None)
           -> Work[dict[str, TrainedModel]] with keys "last" and "best"
    networks  names of the networks it can train; empty for all
    version  raised when the same settings and seed would give other weights than before
    """

    title: str
    source: str
    Config: type[Options]
    train: Callable[..., Any]
    networks: tuple[str, ...] = ()
    version: int = 1
