"""ResNet-18 for 28 to 32 pixels: 3×3 stem of stride 1 without pooling, four stages of two blocks, global average.

8×8 digits go 8, 4, 2, 1. Group norm is the default: batch statistics of a few condensed images say little and
tie the images of a batch together, also under attack. Cost: 0.56 billion multiplications per 32×32 image.
Source: He et al. 2016, arXiv:1512.03385; norm: Wu & He 2018, arXiv:1803.08494.
"""

from collections.abc import Callable, Sequence
from math import gcd

from torch import nn

from core.networks.classifier import Classifier, assemble
from core.networks.options import ResNet18 as Config
from core.networks.residual import Block


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

    def norm(channels: int) -> nn.Module:
        return (
            nn.BatchNorm2d(channels) if config.normalisation == "batch" else nn.GroupNorm(gcd(channels, 32), channels)
        )

    def make() -> tuple[nn.Module, nn.Module]:
        stages = _stages(Block, norm, config.width)
        stem = [nn.Conv2d(shape[0], config.width, 3, padding=1, bias=False), norm(config.width), nn.ReLU()]
        body = nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return body, nn.Linear(8 * config.width, n_classes)

    return assemble(make, mean, std, seed=seed)


def _stages(block: type, norm: Callable[[int], nn.Module], width: int) -> list[nn.Module]:
    """Four stages of two blocks; each stage after the first halves the map and doubles the channels."""
    blocks, fan_in = [], width
    for stage in range(4):
        for stride in (1 if stage == 0 else 2, 1):
            blocks.append(block(fan_in, width * 2**stage, stride, norm))
            fan_in = width * 2**stage
    return blocks
