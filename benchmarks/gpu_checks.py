"""What must hold on a device: the same answers as on the CPU, the same bytes twice, no more memory than estimated."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.gpu_pieces import SEED, Sizes, batch, trained
from core.attacks import pgd, searching
from core.attacks.precision import Precision
from core.compressors import METHODS
from core.events import drive
from core.kernels import Kernel, condensing, measure
from core.networks.classifier import Classifier
from core.networks.model import capture, restore
from core.types import Norm, TrainSplit


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that must hold: what was found against the most that is allowed."""

    what: str
    found: float
    most: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.found <= self.most


def attacks_agree(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """One step lands on the same image; a whole attack comes to the same verdicts."""
    x, y = batch(train, sizes.images, "cpu")
    network = trained(train, sizes, "cpu")
    there = moved(network, device)
    budgets: dict[Norm, float] = {"Linf": 0.1, "L2": 1.0, "L1": 8.0}
    for norm, eps in budgets.items():
        for steps, what in ((1, "one step"), (20, "verdicts after 20 steps")):
            mine, theirs = (
                pgd(
                    model,
                    x.to(place),
                    y.to(place),
                    norm=norm,
                    eps=eps,
                    steps=steps,
                    loss="margin",
                    keep="worst",
                    random_start=False,
                ).cpu()
                for model, place in ((network, "cpu"), (there, device))
            )
            if steps == 1:
                far = (mine - theirs).flatten(1).abs().amax(1)
                yield Check(what=f"PGD {norm}: {what}, share of images that differ by more than 1e-4",
                            found=float((far > 1e-4).float().mean()), most=0.02, unit="share")  # fmt: skip
            else:
                differ = right(network, mine, y) != right(there, theirs.to(device), y.to(device)).cpu()
                yield Check(what=f"PGD {norm}: {what}, share that differ", found=float(differ.float().mean()),
                            most=0.01, unit="share")  # fmt: skip


def kernels_agree(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """Values and gradients of kernels in float64 and float32."""
    if device == "mps":
        return  # has no float64
    x, _ = batch(train, 2 * sizes.supports, "cpu")
    for kernel, few in ((Kernel(depth=3), len(x) // 2), (Kernel(family="conv", depth=2), 8)):
        a, b = x[:few].double() - 0.1, x[-few:].double() - 0.1
        results = []
        for place in ("cpu", device):
            leaf = a.to(place).requires_grad_()
            value = kernel(leaf, b.to(place))
            weight = torch.linspace(-1, 1, value.numel(), dtype=value.dtype, device=place).view_as(value)
            (slope,) = torch.autograd.grad((value * weight).sum(), leaf)
            results.append((value.detach().cpu(), slope.cpu(), kernel(a.float().to(place), b.float().to(place)).cpu()))
        (value, slope, _), (value_there, slope_there, rough) = results
        name = kernel.sentence()
        yield Check(what=f"{name}: value", found=apart(value, value_there), most=1e-10, unit="of the largest")
        yield Check(what=f"{name}: gradient", found=apart(slope, slope_there), most=1e-8, unit="of the largest")
        yield Check(what=f"{name}: float32 against float64", found=apart(value, rough.double()), most=1e-4,
                    unit="of the largest")  # fmt: skip


def training_agrees(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """A few epochs of standard and adversarial training end in nearly the same network."""
    x, y = batch(train, sizes.images, "cpu")
    for trainer in ("standard", "adversarial"):
        here, there = (trained(train, sizes, place, trainer) for place in ("cpu", device))
        differ = right(here, x, y) != right(there, x.to(device), y.to(device)).cpu()
        yield Check(what=f"{trainer} training: share of verdicts that differ", found=float(differ.float().mean()),
                    most=0.03, unit="share")  # fmt: skip


def seeds_repeat(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """The same seed twice on the device: the same bytes."""
    once, again = (trained(train, sizes, device, "adversarial") for _ in range(2))
    pairs = zip(once.parameters(), again.parameters(), strict=True)
    yield Check(what="training twice: largest difference of a weight",
                found=max(float((a - b).detach().abs().max()) for a, b in pairs), most=0.0, unit="")  # fmt: skip
    x, y = batch(train, sizes.images, device)
    first, second = (
        pgd(once, x, y, norm="Linf", eps=0.1, steps=10, generator=torch.Generator().manual_seed(SEED)) for _ in range(2)
    )
    yield Check(what="attacking twice: largest difference of a pixel", found=float((first - second).abs().max()),
                most=0.0, unit="pixels in [0, 1]")  # fmt: skip


def searches_agree(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """Searching in bfloat16 finds what float32 finds; products in TF32 change no more than that."""
    x, y = batch(train, sizes.images, device)
    network = trained(train, sizes, device, "adversarial")

    def attacked(search: Precision) -> Tensor:
        return pgd(
            network, x, y, norm="Linf", eps=0.1, steps=20, loss="margin", random_start=False,
            search=searching(network, device, search),
        )  # fmt: skip

    exact = right(network, attacked("float32"), y)
    coarse = right(network, attacked("bfloat16"), y)
    yield Check(what="search in bfloat16: share of verdicts that differ", found=share(exact != coarse), most=0.02,
                unit="share")  # fmt: skip
    if torch.device(device).type == "cuda":
        before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        try:
            rounded = right(network, attacked("float32"), y)
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
        yield Check(what="everything in TF32: share of verdicts that differ", found=share(exact != rounded), most=0.02,
                    unit="share")  # fmt: skip
        yield Check(what="TF32 is on for products unless asked for", found=float(before[0]), most=0.0, unit="")


def memory_is_kept(device: str, sizes: Sizes, train: TrainSplit) -> Iterator[Check]:
    """A step of adv-KIP takes no more memory than was estimated; CUDA alone counts exactly."""
    if torch.device(device).type != "cuda":
        return
    config = METHODS["adv-kip"].Config(ipc=sizes.supports // 10, steps=1, held_out=0)
    kernel = Kernel(depth=3)
    cost = condensing(measure(kernel, train.shape, device), kernel, train.shape, supports=sizes.supports,
                      batch=500, steps=1, attack_steps=10, judged=0)  # fmt: skip
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    drive(METHODS["adv-kip"].condense(train, config, n_classes=10, seed=SEED, device=device))
    found = (torch.cuda.max_memory_allocated() - before) / cost.memory
    yield Check(what="adv-KIP: peak memory against the estimate", found=found, most=1.0, unit="of the estimate")


def moved(network: Classifier, device: str) -> Classifier:
    """A copy on the device, in eval mode."""
    return restore(capture(network, kept="last", epoch=0)).to(device).eval()


@torch.no_grad()
def right(network: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """(n,) bool: images that the network gets right."""
    return network(x).argmax(1) == y


def share(flags: Tensor) -> float:
    return float(flags.float().mean())


def apart(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((a - b).detach().abs().max() / a.detach().abs().max())
