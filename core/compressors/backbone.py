"""The network that images are compared in: the ConvNet of the condensation literature, or an MLP for points.

Source: the ConvNet-3-128 of Zhao et al. 2021, arXiv:2006.05929. Images too small for it, such as the two numbers of a
point, get an MLP of the same width and depth. Weights depend on a seed alone, so a checkpoint need not hold them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.networks import NETWORKS, build

if TYPE_CHECKING:
    from torch import nn

PRODUCTS = {"cpu": 2_000_000_000}  # multiplications at a time, of one inner layer; a third of a second or so
PRODUCTS_ELSEWHERE = 100_000_000_000


def drawn(
    shape: tuple[int, int, int],
    n_classes: int,
    statistics: tuple[Sequence[float], Sequence[float]],
    *,
    width: int,
    depth: int,
    seed: int,
    device: str,
) -> "nn.Module":
    """A network with fresh weights on the device, in train mode.

    statistics  mean and std per channel of the train split
    """
    options = {"width": width, "depth": depth}
    return build(name(shape, depth), options, shape, n_classes, *statistics, seed=seed).to(device)


def name(shape: tuple[int, int, int], depth: int) -> str:
    """Which of the two networks takes such images."""
    entry = NETWORKS["convnet"]
    return "mlp" if depth > 5 or entry.refuse(entry.Config(depth=depth), shape) else "convnet"


def at_once(shape: tuple[int, int, int], width: int, device: str) -> int:
    """How many images go through the network between two signs of life."""
    products = PRODUCTS.get(device, PRODUCTS_ELSEWHERE)
    return max(1, products // (width * (width + 16) * shape[1] * shape[2]))
