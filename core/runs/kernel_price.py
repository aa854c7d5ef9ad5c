"""What a comparison of networks with a kernel takes, before it starts: measured on the device, or from the last one.

Every network of the row goes over the condensed images once an epoch, and over the test images once for each gradient
of the attacks; so does the kernel at the end. A few such passes are timed; NTK networks of other widths are scaled by
their multiplications. Images that an attack breaks leave it, so networks that are not robust take less; a busy
machine takes more.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from core.errors import ResourceError
from core.events import Progress, Work
from core.networks import NETWORKS
from core.runs import kernel_stops
from core.runs.kernel_stops import LAZY, Stop, WidthConfig
from core.types import Dataset

if TYPE_CHECKING:
    from torch import nn

GRADIENTS = 176  # of each judged image at most: looks, FGSM, PGD-20, margin-PGD 50 x 3
PROBED = 512  # width of the NTK network that stands for the others
BATCH, ROUNDS = 64, 3
KERNEL = "kernel"
COPIES = 5  # of the weights: the network, its start, gradient, momentum, one in passing


@dataclass(frozen=True)
class Price:
    """An estimate for a whole comparison.

    pace     seconds for one image to go through a model and back, by the name of the network, or KERNEL; of NTK
             networks as wide as PROBED where widths are compared
    seconds  of everything, if every image withstood every attack
    memory   bytes beyond the program itself
    """

    pace: Mapping[str, float]
    seconds: float
    memory: int


def measure(
    chosen: WidthConfig, row: Sequence[Stop], fitted: "nn.Module", dataset: Dataset, *, budget: int, device: str
) -> Work[Price]:
    """Time the networks of a row and the kernel on the device; a second or two for each that is timed.

    raises  ResourceError when the weights do not fit the memory, with the largest width that does
    """
    memory = refuse(row, dataset.train.shape, dataset.n_classes, device)
    pace = {KERNEL: _timed(fitted, dataset, device)[0]}
    for stop in row[:1] if chosen.what == "width" else row:
        yield Progress(stage="measure", note=f"speed of {NETWORKS[stop.network].title}")
        timed = Stop(stop.network, {**stop.options, "width": PROBED}, "") if chosen.what == "width" else stop
        pace[stop.network], weights = _timed(kernel_stops.untrained(timed, chosen, dataset, 0, device), dataset, device)
        memory = max(memory, 4 * COPIES * weights)
    sizes = {stop.options["width"]: stop.options["depth"] for stop in row if "width" in stop.options}
    return Price(pace, seconds(chosen, pace, sizes, dataset.train.shape, dataset.n_classes, budget), memory)


def seconds(
    chosen: WidthConfig, pace: Mapping[str, float], sizes: Mapping[int, int], shape: Sequence[int], classes: int,
    budget: int,
) -> float:  # fmt: skip
    """Seconds of a comparison on a set of `budget` images, if every image withstood every attack.

    pace   as in Price, of exactly the networks in the row and the kernel
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


def refuse(row: Sequence[Stop], shape: Sequence[int], classes: int, device: str) -> int:
    """Bytes that the largest NTK network of a row takes; the others are small beside the libraries.

    raises  ResourceError when they are not free, with the largest width that would fit
    """
    from core.kernels.cost import available

    room = available(device)
    need = {
        stop.options["width"]: 4
        * COPIES
        * multiplications(stop.options["width"], stop.options["depth"], shape, classes)
        for stop in row
        if "width" in stop.options
    }
    largest = max(need.values(), default=0)
    if largest > room:
        fits = [width for width, size in need.items() if size <= room]
        raise ResourceError(
            f"a network of width {max(need)} takes about {largest / 1e6:,.0f} MB to train on {device}, and "
            f"{room / 1e6:,.0f} MB are free; "
            + (f"what would fit: widths up to {max(fits)}" if fits else "no chosen width fits: choose smaller ones")
        )
    return largest


def sentence(price: Price) -> str:
    """As shown before a comparison: `about 4 minutes and 120 MB, less where attacks break images early`."""
    from core.kernels import Cost

    return f"{Cost(price.seconds, price.memory).sentence()}, less where attacks break images early"


def _timed(model: "nn.Module", dataset: Dataset, device: str) -> tuple[float, int]:
    """Seconds for one image, the best of a few rounds of a batch, for all gradients together; and its weights."""
    import torch

    model.eval()
    x = torch.zeros(BATCH, *dataset.train.shape, device=device).requires_grad_()
    weights, best = [value for value in model.parameters() if value.requires_grad], float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        torch.autograd.grad(model(x).square().sum(), [x, *weights])[0].sum().item()
        best = min(best, time.perf_counter() - began)
    return best / BATCH, sum(value.numel() for value in weights)
