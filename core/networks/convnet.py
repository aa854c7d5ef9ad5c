"""ConvNet, the backbone of the condensation literature: blocks of conv 3×3, instance norm, ReLU, 2×2 average pool.

The first convolution pads the image to a multiple of 2^depth, as the reference code does for 28×28 (to 32×32),
so no pixel row is lost in pooling; 8×8 digits go 8, 4, 2, 1 and every instance norm still sees at least 2×2.
On the CPU norm, ReLU and pooling of a block are one operation (core.networks.fused).
Width 128 is the field's reference. Cost grows with its square: 49 million multiplications per 28×28 image at
128, 3 million at 32.
Source: Gidaris & Komodakis 2018; used by Zhao et al. 2021, arXiv:2006.05929 (DC).
"""

from collections.abc import Sequence
from math import ceil

from torch import nn

from core.networks.classifier import Classifier, assemble
from core.networks.fused import Blocks
from core.networks.options import ConvNet as Config


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
    channels, *sides = shape
    unit = 2**config.depth
    extra = [ceil(side / unit) * unit - side for side in sides]
    (top, left), (bottom, right) = [e // 2 for e in extra], [e - e // 2 for e in extra]

    def make() -> tuple[nn.Module, nn.Module]:
        layers: list[nn.Module] = [nn.ZeroPad2d((left, right, top, bottom))] if any(extra) else []
        for fan_in in [channels, *[config.width] * (config.depth - 1)]:
            layers += [
                nn.Conv2d(fan_in, config.width, 3, padding=1),
                nn.GroupNorm(config.width, config.width),  # one group per channel is instance norm
                nn.ReLU(),
                nn.AvgPool2d(2),
            ]
        features = config.width * ceil(sides[0] / unit) * ceil(sides[1] / unit)
        return Blocks(*layers, nn.Flatten()), nn.Linear(features, n_classes)

    return assemble(make, mean, std, seed=seed)
