"""How long a comparison of networks with a kernel takes, from the pace of each. Light: read by pages.

Every network of the row goes over the condensed images once an epoch, and over the test images once for each gradient
of the attacks; so does the kernel at the end. Images that an attack breaks leave it, so networks that are not robust
take less; a busy machine takes more.
"""

from collections.abc import Mapping, Sequence
from math import prod

from core.jobs.options import LAZY, WidthConfig

GRADIENTS = 176  # of each judged image at most: looks, FGSM, PGD-20, margin-PGD 50 x 3
PROBED = 512  # width of the NTK network that stands for the others
KERNEL = "kernel"


def seconds(
    chosen: WidthConfig, pace: Mapping[str, float], sizes: Mapping[int, int], shape: Sequence[int], classes: int,
    budget: int,
) -> float:  # fmt: skip
    """Seconds of a comparison on a set of `budget` images, if every image withstood every attack.

    pace   seconds for one image to go through a model and back, of exactly the networks in the row and the kernel
    sizes  width -> depth of the NTK networks where widths are compared
    """
    passes = chosen.seeds * (chosen.epochs * budget + GRADIENTS * chosen.images)
    kernel = GRADIENTS * chosen.images * pace[KERNEL]
    if chosen.what == "architectures":
        return kernel + passes * sum(value for name, value in pace.items() if name != KERNEL)
    unit = pace[LAZY] / multiplications(PROBED, next(iter(sizes.values())), shape, classes)
    return kernel + passes * sum(unit * multiplications(width, depth, shape, classes) for width, depth in sizes.items())


def multiplications(width: int, depth: int, shape: Sequence[int], classes: int) -> int:
    """Of one image through an NTK network: its number of weights."""
    return prod(shape) * width + (depth - 1) * width**2 + width * classes
