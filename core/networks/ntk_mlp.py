"""A multilayer perceptron in NTK parametrisation: as it grows wide, training it approaches kernel regression.

Every layer is sqrt(2 / fan_in) W x + bias_std b with W, b drawn from N(0, 1), so the learning rate that works
does not depend on the width, and the limit is the kernel of core/kernels with the same depth.
Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572; Lee et al. 2019, arXiv:1902.06720.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from core.types import Network, Options, option

if TYPE_CHECKING:
    from core.networks.classifier import Classifier


class Config(Options):
    """An MLP in NTK parametrisation."""

    width: int = option(1024, "units per hidden layer", ge=1, le=65536)
    depth: int = option(1, "hidden layers, as in the kernel", ge=1, le=12)
    bias_std: float = option(0.0, "standard deviation of the biases; 0 has none", ge=0, le=10)


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

    from core.networks.classifier import NTKLinear, assemble

    def make() -> tuple[nn.Module, nn.Module]:
        layers: list[nn.Module] = [nn.Flatten()]
        sizes = [prod(shape), *[config.width] * config.depth]
        for fan_in, fan_out in pairwise(sizes):
            layers += [NTKLinear(fan_in, fan_out, config.bias_std), nn.ReLU()]
        return nn.Sequential(*layers), NTKLinear(config.width, n_classes, config.bias_std)

    return assemble(make, mean, std, seed=seed)


NETWORK = Network(
    title="NTK MLP", source="Jacot et al. 2018, arXiv:1806.07572", Config=Config, build=build, refuse=refuse
)
