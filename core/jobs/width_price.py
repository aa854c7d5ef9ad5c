"""What a comparison of networks with a kernel takes, before it starts: measured on the device.

A few passes of each network and of the kernel are timed; NTK networks of other widths are scaled by their
multiplications. `core.jobs.width_pace` makes seconds of it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.errors import ResourceError
from core.events import Progress, Work
from core.jobs import width_stops
from core.jobs.options import WidthConfig
from core.jobs.width_pace import KERNEL, PROBED, multiplications, seconds
from core.jobs.width_stops import Stop
from core.kernels import Cost
from core.kernels.cost import available
from core.networks import NETWORKS
from core.types import Dataset

BATCH, ROUNDS = 64, 3
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
    chosen: WidthConfig, row: Sequence[Stop], fitted: nn.Module, dataset: Dataset, *, budget: int, device: str
) -> Work[Price]:
    """Time the networks of a row and the kernel on the device; a second or two for each that is timed.

    raises  ResourceError when the weights do not fit the memory, with the largest width that does
    """
    memory = refuse(row, dataset.train.shape, dataset.n_classes, device)
    pace = {KERNEL: _timed(fitted, dataset, device)[0]}
    for stop in row[:1] if chosen.what == "width" else row:
        yield Progress(stage="measure", note=f"speed of {NETWORKS[stop.network].title}")
        timed = Stop(stop.network, {**stop.options, "width": PROBED}, "") if chosen.what == "width" else stop
        pace[stop.network], weights = _timed(width_stops.untrained(timed, chosen, dataset, 0, device), dataset, device)
        memory = max(memory, 4 * COPIES * weights)
    sizes = {stop.options["width"]: stop.options["depth"] for stop in row if "width" in stop.options}
    return Price(pace, seconds(chosen, pace, sizes, dataset.train.shape, dataset.n_classes, budget), memory)


def refuse(row: Sequence[Stop], shape: Sequence[int], classes: int, device: str) -> int:
    """Bytes that the largest NTK network of a row takes; the others are small beside the libraries.

    raises  ResourceError when they are not free, with the largest width that would fit
    """
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
    return f"{Cost(price.seconds, price.memory).sentence()}, less where attacks break images early"


def _timed(model: nn.Module, dataset: Dataset, device: str) -> tuple[float, int]:
    """Seconds for one image, the best of a few rounds of a batch, for all gradients together; and its weights."""
    model.eval()
    x = torch.zeros(BATCH, *dataset.train.shape, device=device).requires_grad_()
    weights, best = [value for value in model.parameters() if value.requires_grad], float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        torch.autograd.grad(model(x).square().sum(), [x, *weights])[0].sum().item()
        best = min(best, time.perf_counter() - began)
    return best / BATCH, sum(value.numel() for value in weights)
