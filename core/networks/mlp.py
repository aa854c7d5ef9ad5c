"""A multilayer perceptron: flatten, `depth` hidden ReLU layers, linear head. Takes every shape, 2-D toys too."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import nn

from core.networks.classifier import Classifier, assemble
from core.networks.options import MLP as Config


def build(
    config: Config,
    shape: tuple[int, int, int],
    n_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    seed: int,
) -> Classifier:
    """(n, c, h, w) images in [0, 1] -> (n, C) logits."""

    def make() -> tuple[nn.Module, nn.Module]:
        layers: list[nn.Module] = [nn.Flatten()]
        sizes = [prod(shape), *[config.width] * config.depth]
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        return nn.Sequential(*layers), nn.Linear(config.width, n_classes)

    return assemble(make, mean, std, seed=seed)
