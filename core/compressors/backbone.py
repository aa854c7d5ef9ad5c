"""The network that images are compared in: the ConvNet of the condensation literature, or an MLP for points.

Source: the ConvNet-3-128 of Zhao et al. 2021, arXiv:2006.05929. Images too small for it, such as the two numbers of a
point, get an MLP of the same width and depth. Weights depend on a seed alone, so a checkpoint need not hold them.
Small images get fewer blocks, so that no instance norm sees less than 4x4 values: over 2x2, as in three blocks on 8x8
digits, it divides by deviations near 0, and gradients of gradients are thirty times larger and point nowhere.
"""

from collections.abc import Sequence

from core.networks import NETWORKS
from core.networks.classifier import Classifier
from core.networks.model import build

PRODUCTS = {"cpu": 2_000_000_000}  # multiplications at a time, of one inner layer; a third of a second or so
PRODUCTS_ELSEWHERE = 100_000_000_000
HIDDEN = 32  # features of a small CNN for each channel: more than there are learned images, which regression needs


def drawn(
    shape: tuple[int, int, int],
    n_classes: int,
    statistics: tuple[Sequence[float], Sequence[float]],
    *,
    width: int,
    depth: int,
    seed: int,
    device: str,
    family: str = "convnet",
) -> Classifier:
    """A network with fresh weights on the device, in train mode.

    depth       blocks, or hidden layers of an MLP; fewer blocks on small images; a small CNN has none to choose
    statistics  mean and std per channel of the train split
    family      "convnet", or "small-cnn", at a tenth of the cost
    """
    name, depth = ("mlp", depth) if NETWORKS[family].Config().refuse(shape) else (family, blocks(shape, depth))
    options = {"width": width, "depth": depth} if name != "small-cnn" else {"width": width, "hidden": HIDDEN * width}
    return build(name, options, shape, n_classes, *statistics, seed=seed).to(device)


def blocks(shape: tuple[int, int, int], depth: int) -> int:
    """How many blocks, at most `depth`, leave the last instance norm at least 4x4 values; one at least."""
    return max(1, *(d for d in range(depth + 1) if min(shape[1:]) > 2**d))


def at_once(shape: tuple[int, int, int], width: int, device: str) -> int:
    """How many images go through the network between two signs of life."""
    products = PRODUCTS.get(device, PRODUCTS_ELSEWHERE)
    return max(1, products // (width * (width + 16) * shape[1] * shape[2]))
