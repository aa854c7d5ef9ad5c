"""What kernel work will take on this device, measured before it starts.

A few pairs of images are timed with their gradient, in float32, and scaled by the number of pairs. Memory adds up what
is held at once: the matrices, the images, the kept tape or one block. The estimate is a promise of order, not of
seconds: another process on the machine can double it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
import torch

from core.errors import ResourceError
from core.kernels.engine import KEPT_BYTES
from core.kernels.kernel import Kernel

PROBE_S = 0.2  # seconds after which no further round of the probe begins
PROBE_ROUNDS = 5
PROBE_LONG_S = 2.0  # seconds after which even a cold round must do; otherwise two more follow
PROBE_PAIRS = 200_000  # pairs of positions in the probe, at least one pair of images
FLOAT64 = 2.5  # times as long as float32


@dataclass(frozen=True)
class Pace:
    """Seconds for one pair of images: the value, and the value with its gradient."""

    value: float
    gradient: float


@dataclass(frozen=True)
class Cost:
    """An estimate: seconds and bytes of memory beyond the program itself."""

    seconds: float
    memory: int

    def sentence(self) -> str:
        """As shown before a run: `about 50 seconds and 80 MB`."""
        return f"about {duration(self.seconds)} and {self.memory / 1e6:,.0f} MB"


def measure(kernel: Kernel, shape: tuple[int, int, int], device: str) -> Pace:
    """Time a few pairs of images of (c, h, w) on the device; takes below a second unless one pair takes longer."""
    side = max(1, min(256, int((PROBE_PAIRS / kernel.pairs(shape)) ** 0.5)))
    generator = torch.Generator().manual_seed(0)
    x, z = (torch.rand(side, *shape, generator=generator).to(device) for _ in range(2))
    leaf = x.clone().requires_grad_()
    value = _fastest(lambda: kernel(x, z), device)
    gradient = _fastest(lambda: torch.autograd.grad(kernel(leaf, z).sum(), leaf), device)
    return Pace(value / side**2, gradient / side**2)


def condensing(
    pace: Pace, kernel: Kernel, shape: tuple[int, int, int], *, supports: int, batch: int, steps: int,
    attack_steps: int, judged: int,
) -> Cost:  # fmt: skip
    """Cost of KIP (attack_steps 0) or adv-KIP.

    judged  attacked or clean forward passes over held-out images, in images, over the whole run
    """
    own = supports * (supports + 1) / 2 * FLOAT64 * (pace.value + pace.gradient)
    step = supports * batch * (attack_steps + 1) * pace.gradient + own + supports**3 / 3 / 1e10
    seconds = steps * step + judged * supports * pace.gradient
    floats = shape[0] * shape[1] * shape[2]
    memory = 8 * 6 * supports**2 + 4 * 6 * supports * batch + 4 * 12 * floats * (supports + batch)
    one_pair = 4 * 8 * kernel.depth * kernel.pairs(shape)
    return Cost(seconds, int(memory + 2 * max(KEPT_BYTES, one_pair)))


def refuse(cost: Callable[[int, int], Cost], *, ipc: int, steps: int, hours: float, device: str, what: str) -> None:
    """Say no to work that does not fit, with what would.

    cost    (ipc, steps) -> Cost
    raises  ResourceError naming the largest ipc or number of steps that fits
    """
    asked, room = cost(ipc, steps), available(device)

    def fits(ipc: int, steps: int) -> bool:
        one = cost(ipc, steps)
        return one.memory <= room and one.seconds <= hours * 3600

    if fits(ipc, steps):
        return
    smaller = [f"{n} steps" for n in [_largest(lambda n: fits(ipc, n), steps)] if n]
    smaller += [f"ipc {n}" for n in [_largest(lambda n: fits(n, steps), ipc)] if n]
    limit = f"{room / 1e6:,.0f} MB are free" if asked.memory > room else f"the limit is {duration(hours * 3600)}"
    raise ResourceError(
        f"{what} takes {asked.sentence()} on {device}, and {limit}; "
        + (f"what would fit: {' or '.join(smaller)}" if smaller else "no ipc or number of steps fits: take kernel fc")
        + (", or readout flat" if "gap" in what else "")
        + ("" if asked.memory > room else ", or a higher limit of hours")
    )


def available(device: str) -> int:
    """Bytes of memory free on the device."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def duration(seconds: float) -> str:
    """Seconds in the unit a person would use."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.3g} seconds"


def _largest(fits: Callable[[int], bool], top: int) -> int:
    """Largest n below top that fits, 0 when none does; fits must be monotone."""
    low, high = 0, top
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _fastest(work: Callable[[], object], device: str) -> float:
    """Shortest of a few rounds, the first of which is cold."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) <= PROBE_ROUNDS:
        elapsed = time.perf_counter() - began
        if elapsed > PROBE_LONG_S or (len(times) > 2 and elapsed > PROBE_S):
            break
        start = time.perf_counter()
        work()
        if torch.device(device).type != "cpu":
            getattr(torch, torch.device(device).type).synchronize()
        times.append(time.perf_counter() - start)
    return min(times)
