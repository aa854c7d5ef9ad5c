"""The small CNN of many MNIST robustness studies: two 5×5 convolutions of stride 2, a hidden layer, a head.

Strides instead of pooling keep adversarial training cheap: 1 million multiplications per 28×28 image. The
reference weights of `autoattack.npz` fit it (1×28×28, mean 0, std 1).
Source: Wong & Kolter 2018, arXiv:1711.00851 (their MNIST network, with 5×5 kernels).
"""

from collections.abc import Sequence
from math import ceil

from torch import nn

from core.networks.classifier import Classifier, assemble
from core.networks.options import SmallCNN as Config


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
    channels, h, w = shape
    wide = 2 * config.width
    flat = wide * ceil(ceil(h / 2) / 2) * ceil(ceil(w / 2) / 2)

    def make() -> tuple[nn.Module, nn.Module]:
        body = nn.Sequential(
            nn.Conv2d(channels, config.width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(config.width, wide, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(flat, config.hidden),
            nn.ReLU(),
        )
        return body, nn.Linear(config.hidden, n_classes)

    return assemble(make, mean, std, seed=seed)
