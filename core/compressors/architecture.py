"""Which network images are compared in: the ConvNet of the condensation literature, or an MLP for points. Light.

Source: the ConvNet-3-128 of Zhao et al. 2021, arXiv:2006.05929. Images too small for it, such as the two numbers of a
point, get an MLP of the same width and depth. Small images get fewer blocks, so that no instance norm sees less than
4x4 values: over 2x2, as in three blocks on 8x8 digits, it divides by deviations near 0, and gradients of gradients are
thirty times larger and point nowhere.
"""

from collections.abc import Mapping

from core.networks import NETWORKS

HIDDEN = 32  # features of a small CNN for each channel: more than there are learned images, which regression needs


def architecture(
    shape: tuple[int, int, int], width: int, depth: int, family: str = "convnet"
) -> tuple[str, Mapping[str, int]]:
    """Name and options of the network for images of (c, h, w).

    depth   blocks, or hidden layers of an MLP; fewer blocks on small images; a small CNN has none to choose
    family  "convnet", or "small-cnn", at a tenth of the cost
    """
    if NETWORKS[family].Config().refuse(shape):
        return "mlp", {"width": width, "depth": depth}
    if family == "small-cnn":
        return family, {"width": width, "hidden": HIDDEN * width}
    return family, {"width": width, "depth": blocks(shape, depth)}


def blocks(shape: tuple[int, int, int], depth: int) -> int:
    """How many blocks, at most `depth`, leave the last instance norm at least 4x4 values; one at least."""
    return max(1, *(d for d in range(depth + 1) if min(shape[1:]) > 2**d))
