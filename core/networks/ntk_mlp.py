"""A multilayer perceptron in NTK parametrisation: as it grows wide, training it approaches kernel regression.

Every layer is sqrt(2 / fan_in) W x + bias_std b with W, b drawn from N(0, 1), so the learning rate that works
does not depend on the width, and the limit is the kernel of core/kernels with the same depth.
Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572; Lee et al. 2019, arXiv:1902.06720.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import nn

from core.networks.classifier import Classifier, NTKLinear, assemble
from core.networks.options import NTKMLP as Config


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
            layers += [NTKLinear(fan_in, fan_out, config.bias_std), nn.ReLU()]
        return nn.Sequential(*layers), NTKLinear(config.width, n_classes, config.bias_std)

    return assemble(make, mean, std, seed=seed)
