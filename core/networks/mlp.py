"""A multilayer perceptron: flatten, `depth` hidden ReLU layers, linear head. Takes every shape, 2-D toys too."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from core.types import Network, Options, option

if TYPE_CHECKING:
    from core.networks.classifier import Classifier


class Config(Options):
    """A multilayer perceptron."""

    width: int = option(512, "units per hidden layer", ge=1, le=16384)
    depth: int = option(3, "hidden layers", ge=1, le=12)


def refuse(config: Config, shape: tuple[int, int, int]) -> str:
    """It takes every shape."""
    return ""


def build(
    config: Config,
    shape: tuple[int, int, int],
    n_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    seed: int,
) -> "Classifier":
    """(n, c, h, w) images in [0, 1] -> (n, C) logits."""
    from torch import nn

    from core.networks.classifier import assemble

    def make() -> tuple[nn.Module, nn.Module]:
        layers: list[nn.Module] = [nn.Flatten()]
        sizes = [prod(shape), *[config.width] * config.depth]
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        return nn.Sequential(*layers), nn.Linear(config.width, n_classes)

    return assemble(make, mean, std, seed=seed)


NETWORK = Network(title="MLP", source="Rumelhart et al. 1986", Config=Config, build=build, refuse=refuse)
