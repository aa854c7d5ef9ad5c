"""Attacks side by side: our PGD against torchattacks', AutoAttack against stored flags, the audit on fixtures.

    python benchmarks/attacks.py speed        # CPU seconds and robust accuracy, minutes
    python benchmarks/attacks.py autoattack   # agreement with the reference implementation on 2 x 300 images
    python benchmarks/attacks.py precision    # gradients in bfloat16 against float32: seconds, images judged otherwise
    python benchmarks/attacks.py audit        # every fixture on MNIST, with AutoAttack beside it

Needs ../shared/data/mnist.npz and ../shared/reference/autoattack.npz. CPU time is measured, in one process, so
that a busy machine disturbs little; run with OMP_NUM_THREADS=1 for comparable figures.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchattacks
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.attacks import autoattack, pgd, searching
from core.evaluation.audit import Config, audit
from core.events import drive
from core.networks.model import build
from core.types import TestSplit

SHARED = Path(__file__).resolve().parents[2] / "shared"


def mnist(split: str, images: int) -> tuple[Tensor, Tensor]:
    with np.load(SHARED / "data" / "mnist.npz") as stored:
        x, y = stored[f"x_{split}"][:images, None], stored[f"y_{split}"][:images]
    return torch.from_numpy(x).float() / 255, torch.from_numpy(y.astype(np.int64))


def reference(prefix: str) -> nn.Sequential:
    """The stored MNIST network "std" or "at"."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2, 2), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip
    with np.load(SHARED / "reference" / "autoattack.npz") as stored:
        names = [n for n in stored.files if n.startswith(f"{prefix}_weights_f.")]
        model.load_state_dict({n.split("_f.")[1]: torch.from_numpy(stored[n]) for n in names})
    return model.eval()


def trained(model: nn.Module, images: int, loss: Callable[[Tensor, Tensor], Tensor], rate: float, epochs: int):
    """A network trained without attacks on the first MNIST images."""
    x, y = mnist("train", images)
    adam, source = torch.optim.Adam(model.parameters(), lr=rate), torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=source).split(100):
            adam.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            adam.step()
    return model.eval()


class AnyIterate(nn.Module):
    """Passes images through and remembers which were ever misclassified, so that no attack is judged by its last."""

    def __init__(self, model: nn.Module, y: Tensor) -> None:
        super().__init__()
        self.model, self.y = model, y
        self.broken = torch.zeros(len(y), dtype=torch.bool)

    def forward(self, x: Tensor) -> Tensor:
        out = self.model(x)
        self.broken |= out.detach().argmax(1) != self.y
        return out


def theirs(model: nn.Module, x: Tensor, y: Tensor, eps: float, steps: int, restarts: int) -> tuple[float, float]:
    """CPU seconds and robust accuracy of torchattacks.PGD, worst over restarts and iterates."""
    seen = AnyIterate(model, y)
    attack = torchattacks.PGD(seen, eps=eps, alpha=2.5 * eps / steps, steps=steps)
    torch.manual_seed(0)
    began = time.process_time()
    for _ in range(restarts):
        seen(attack(x, y))
    seconds = time.process_time() - began
    seen(x)
    return seconds, float((~seen.broken).float().mean())


def ours(model: nn.Module, x: Tensor, y: Tensor, eps: float, steps: int, restarts: int) -> tuple[float, float]:
    """The same of our PGD."""
    source = torch.Generator().manual_seed(0)
    began = time.process_time()
    found = pgd(model, x, y, norm="Linf", eps=eps, steps=steps, restarts=restarts, generator=source)
    seconds = time.process_time() - began
    return seconds, float((model(found).argmax(1) == y).float().mean())


def speed() -> None:
    convnet = build("convnet", {"width": 128}, (1, 28, 28), 10, (0.13,), (0.31,), seed=0)
    cases = [
        ("non-robust MNIST net", reference("std"), 0.3, 300, 50, 10),
        ("non-robust MNIST net", reference("std"), 0.1, 300, 50, 10),
        ("robust MNIST net", reference("at"), 0.3, 300, 50, 2),
        ("ConvNet-128", trained(convnet, 2000, nn.functional.cross_entropy, 1e-3, 2), 0.3, 50, 20, 5),
    ]
    print("| model | eps | images | steps x restarts | torchattacks s | ours s | ratio | torchattacks | ours |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, model, eps, images, steps, restarts in cases:
        x, y = mnist("test", images)
        ours(model, x[:10], y[:10], eps, 2, 1)
        (slow, their_acc), (fast, our_acc) = (run(model, x, y, eps, steps, restarts) for run in (theirs, ours))
        print(
            f"| {name} | {eps} | {images} | {steps} x {restarts} | {slow:.1f} | {fast:.1f} | {slow / fast:.1f} "
            f"| {100 * their_acc:.1f} % | {100 * our_acc:.1f} % |",
            flush=True,
        )


def precision() -> None:
    """On `$BALLAST_DEVICE`, else the CPU, where CPU seconds count."""
    device = os.environ.get("BALLAST_DEVICE", "cpu")
    clock = time.process_time if device == "cpu" else time.perf_counter
    grey = (1, 28, 28), 10, (0.13,), (0.31,)
    mlp, convnet, resnet = (build(name, {}, *grey, seed=0) for name in ("mlp", "convnet", "resnet18"))
    models = {
        "non-robust MNIST net": (reference("std"), 300, 0.1), "robust MNIST net": (reference("at"), 300, 0.3),
        "MLP": (trained(mlp, 3000, nn.functional.cross_entropy, 1e-3, 5), 300, 0.03),
        "ConvNet-32": (trained(convnet, 3000, nn.functional.cross_entropy, 1e-3, 3), 300, 0.05),
        "ResNet-18": (trained(resnet, 1000, nn.functional.cross_entropy, 1e-3, 2), 100, 0.03),
    }  # fmt: skip
    print("| model | eps | images | float32 s | bfloat16 s | ratio | float32 | bfloat16 | judged otherwise |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, (model, images, eps) in models.items():
        x, y = (part.to(device) for part in mnist("test", images))
        model, found, seconds = model.to(device), [], []
        for cheap in (None, searching(model, device, "bfloat16")):
            pgd(model, x[:8], y[:8], norm="Linf", eps=eps, steps=1, generator=torch.Generator(), search=cheap)
            source, began = torch.Generator().manual_seed(0), clock()
            moved = pgd(model, x, y, norm="Linf", eps=eps, steps=20, generator=source, search=cheap)
            seconds.append(clock() - began)
            found.append(model(moved).argmax(1) == y)
        shares = [f"{100 * float(standing.float().mean()):.1f} %" for standing in found]
        print(
            f"| {name} | {eps} | {images} | {seconds[0]:.1f} | {seconds[1]:.1f} | {seconds[0] / seconds[1]:.2f} "
            f"| {' | '.join(shares)} | {int((found[0] != found[1]).sum())} |", flush=True,
        )  # fmt: skip


def agreement() -> None:
    x, y = mnist("test", 300)
    print("| model | preset | agrees | robust | reference | parts: broken, s, queries |")
    print("|---|---|---|---|---|---|")
    for prefix, eps in (("std", 0.1), ("at", 0.3)):
        with np.load(SHARED / "reference" / "autoattack.npz") as stored:
            expected = torch.from_numpy(stored[f"{prefix}_Linf_{eps}_robust"])
        for preset in ("quick", "standard"):
            found = autoattack(reference(prefix), x, y, norm="Linf", eps=eps, n_classes=10, seed=0, preset=preset)
            same, robust = (100 * float(v.float().mean()) for v in (found.robust == expected, found.robust))
            parts = "; ".join(f"{p.name} {p.broken}, {p.seconds:.0f}, {p.queries}" for p in found.parts)
            wanted = 100 * float(expected.float().mean())
            print(f"| {prefix} | {preset} | {same:.1f} % | {robust:.1f} % | {wanted:.1f} % | {parts} |", flush=True)


class Rounded(nn.Module):
    """Hidden activations rounded to a grid of 1/4."""

    def __init__(self, model: nn.Sequential) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model[2:](torch.round(self.model[:2](x) * 4) / 4)


def fixtures() -> None:
    x, y = mnist("test", 200)
    test = TestSplit(x=(x * 255).round().byte().numpy(), y=y.numpy())
    std, at = reference("std"), reference("at")
    hinge = trained(
        reference("std").train(), 5000, lambda o, t: nn.functional.multi_margin_loss(o, t, margin=1e4), 0.01, 5
    )
    cases = {
        "standard": (std, 0.1),
        "adversarially trained": (at, 0.3),
        "logits x 1000": (lambda v: 1000 * std(v), 0.1),
        "rounded": (Rounded(std), 0.1),
        "huge margin": (hinge, 0.1),
        "softmax": (nn.Sequential(std, nn.Softmax(1)), 0.1),
        "noise": (lambda v: std(v + 0.1 * torch.randn(v.shape)), 0.1),
    }
    print("| model | eps | clean | robust, audit | AutoAttack | s | fails | warns |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (model, eps) in cases.items():
        report = drive(audit(model, test, Config(eps=eps), n_classes=10, seed=0, device="cpu"))
        found = autoattack(model, x, y, norm="Linf", eps=eps, n_classes=10, seed=0)
        warned = " ".join(i.name for i in report.indicators if i.verdict == "warn")
        clean, robust, strong = (
            100 * v for v in (report.clean.value, report.robust.value, found.robust.float().mean())
        )
        print(
            f"| {name} | {eps} | {clean:.1f} | {robust:.1f} | {strong:.1f} | {report.seconds:.0f} "
            f"| {' '.join(report.fired)} | {warned} |",
            flush=True,
        )


if __name__ == "__main__":
    wanted = {"speed": speed, "autoattack": agreement, "precision": precision, "audit": fixtures}
    for name in sys.argv[1:] or wanted:
        wanted[name]()
