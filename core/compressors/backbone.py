"""The network that images are compared in, drawn afresh, and how many images go through it at a time.

Weights depend on a seed alone, so a checkpoint need not hold them.
"""

from collections.abc import Sequence

from core.compressors.architecture import architecture
from core.networks.classifier import Classifier
from core.networks.model import build

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
    family: str = "convnet",
) -> Classifier:
    """The `architecture` of these settings with fresh weights on the device, in train mode.

    statistics  mean and std per channel of the train split
    """
    name, options = architecture(shape, width, depth, family)
    return build(name, options, shape, n_classes, *statistics, seed=seed).to(device)


def at_once(shape: tuple[int, int, int], width: int, device: str) -> int:
    """How many images go through the network between two signs of life."""
    products = PRODUCTS.get(device, PRODUCTS_ELSEWHERE)
    return max(1, products // (width * (width + 16) * shape[1] * shape[2]))
