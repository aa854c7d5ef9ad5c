"""How fast a device works: seconds of a step, and its share of the fastest large product."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_pieces import SEED, Sizes, batch, network_of, trained
from core.attacks import autoattack, pgd, searching
from core.compressors import METHODS
from core.events import drive
from core.kernels import Kernel
from core.networks.classifier import Classifier
from core.types import TrainSplit


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Work of a second, and the share of the fastest large product of that kind that its own products are."""

    what: str
    seconds: float
    each: str
    per_second: float
    share_of_peak: float | None = None


def training_speed(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Rate]:
    """PGD training: one weight step with its inner attack."""
    for name, options in (("convnet", {"width": sizes.width}), ("resnet18", {"width": sizes.width // 2})):
        network = network_of(train, name, options, device)
        x, y = batch(train, sizes.batch, device)
        adam = torch.optim.Adam(network.parameters(), lr=1e-3)

        def step(network: Classifier = network, adam: torch.optim.Adam = adam, x: Tensor = x, y: Tensor = y) -> None:
            hurt = pgd(network, x, y, norm="Linf", eps=0.1, steps=sizes.attack_steps, random_start=False, keep="last")
            loss = torch.nn.functional.cross_entropy(network(hurt), y)
            adam.zero_grad()
            loss.backward()
            adam.step()

        what = f"PGD-{sizes.attack_steps} training, {name} of width {next(iter(options.values()))}"
        # back to the images costs one more product of each layer, back to the weights another
        flops = (2 * sizes.attack_steps + 3) * forward_flops(network, x)
        yield rate(what, step, len(x), "images", device, sizes, flops=flops)


def kernel_speed(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Rate]:
    """Value and gradient of FC-3."""
    x, _ = batch(train, 2 * sizes.kernel, device)
    for dtype in (torch.float32, torch.float64) if device != "mps" else (torch.float32,):
        a, b = x[: len(x) // 2].to(dtype), x[len(x) // 2 :].to(dtype)

        def step(a: Tensor = a, b: Tensor = b) -> None:
            leaf = a.detach().requires_grad_()
            torch.autograd.grad(Kernel(depth=3)(leaf, b).sum(), leaf)

        flops = 4.0 * len(a) * len(b) * a[0].numel()  # the products of the images, and of their gradient
        what = f"FC-3 NTK with gradient, {str(dtype)[6:]}"
        yield rate(what, step, len(a) * len(b), "pairs", device, sizes, dtype, flops=flops)


def kip_speed(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Rate]:
    """Steps of KIP, fully connected and convolutional."""
    for kernel, depth in (("fc", 3), ("conv", 2)):
        config = METHODS["kip"].Config(
            ipc=max(1, sizes.supports // 10), steps=2, kernel=kernel, depth=depth, held_out=0,
            batch=500 if kernel == "fc" else 20,
        )  # fmt: skip

        def step(config: object = config) -> None:
            drive(METHODS["kip"].condense(train, config, n_classes=10, seed=SEED, device=device))

        yield rate(f"KIP, {kernel}-{depth}, {sizes.supports} images", step, 2, "steps", device, sizes, once=True)


def dm_speed(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Rate]:
    """Steps of DM as published, but for the number of steps."""
    config = METHODS["dm"].Config(ipc=10, preset="paper", steps=3, width=sizes.width, batch=sizes.batch)

    def step() -> None:
        drive(METHODS["dm"].condense(train, config, n_classes=10, seed=SEED, device=device))

    yield rate(f"DM, 10 per class, width {sizes.width}", step, 3, "steps", device, sizes, once=True)


def autoattack_speed(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Rate]:
    """The whole ensemble on a network trained against PGD."""
    if not find_spec("torchattacks"):
        return
    x, y = batch(train, sizes.images, device)
    network = trained(train, sizes, device, "adversarial")

    def step() -> None:
        autoattack(network, x, y, norm="Linf", eps=0.1, n_classes=10, seed=SEED,
                   search=searching(network, device, "auto"))  # fmt: skip

    yield rate("AutoAttack, small CNN", step, len(x), "images", device, sizes, once=True)


def rate(
    what: str, step: Callable[[], None], count: int, each: str, device: str, sizes: Sizes,
    dtype: torch.dtype = torch.float32, *, flops: float = 0.0, once: bool = False,
) -> Rate:  # fmt: skip
    """Time a step after one to warm up; `once` for steps too long to repeat, flops of its products where known."""
    step()
    seconds = timed(step, 1 if once else sizes.repeats, device)
    peak = peak_flops(device, sizes, dtype) if flops else 1.0
    return Rate(
        what=what, seconds=round(seconds, 5), each=each, per_second=round(count / seconds, 1),
        share_of_peak=round(flops / seconds / peak, 4) if flops else None,
    )  # fmt: skip


def forward_flops(network: Classifier, x: Tensor) -> float:
    """Operations of the products of one pass."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x)
    return float(counter.get_total_flops())


def timed(step: Callable[[], object], repeats: int, device: str) -> float:
    """Mean seconds of a step, waiting for the device before and after."""
    wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    wait(device)
    return (time.perf_counter() - began) / repeats


def peak_flops(device: str, sizes: Sizes, dtype: torch.dtype) -> float:
    """Operations a second of the fastest of a few large products."""
    a = torch.rand(sizes.product, sizes.product, dtype=dtype, device=device)
    timed(lambda: a @ a, 1, device)
    return 2 * sizes.product**3 / min(timed(lambda: a @ a, 2, device) for _ in range(3))


def wait(device: str) -> None:
    kind = torch.device(device).type
    if kind != "cpu":
        getattr(torch, kind).synchronize()
