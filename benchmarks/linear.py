"""Attacks against the exact robust accuracy of linear models, with the box.

    python benchmarks/linear.py [IMAGES]

Needs ../shared/data/mnist.npz. Between two classes PGD has nothing to choose and should reach the truth; among ten it
does not know where to go, and AutoAttack should. Cost: about 4 CPU minutes for 200 images.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.attacks import autoattack, pgd
from core.types import Norm
from tests.attacks.linear_truth import exact

MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist.npz"
BUDGETS: dict[Norm, tuple[float, ...]] = {"Linf": (0.02, 0.05), "L2": (0.5, 1.0), "L1": (2.0, 4.0)}


def mnist(split: str) -> tuple[Tensor, Tensor]:
    with np.load(MNIST) as stored:
        return torch.from_numpy(stored[f"x_{split}"][:, None]), torch.from_numpy(stored[f"y_{split}"].astype(np.int64))


def linear(n_classes: int) -> nn.Sequential:
    """Softmax regression of MNIST, even against odd for two classes, 600 steps of Adam."""
    x, y = mnist("train")
    y = y % n_classes
    layer = nn.Linear(784, n_classes)
    model = nn.Sequential(nn.Flatten(), layer)
    source = torch.Generator().manual_seed(0)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-3)
    for _ in range(600):
        rows = torch.randint(len(x), (256,), generator=source)
        loss = nn.functional.cross_entropy(model(x[rows].float() / 255), y[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.requires_grad_(False)


def main(images: int) -> None:
    x, y = (part[:images] for part in mnist("test"))
    x = x.float() / 255
    print("| classes | norm | ε | exact | PGD-20 (margin) | PGD-100 (margin) | AutoAttack | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for n_classes in (2, 10):
        model, labels = linear(n_classes), y % n_classes
        for norm, budgets in BUDGETS.items():
            for eps in budgets:
                truth, began, found = exact(model, x, labels, norm, eps).mean(), time.process_time(), []
                for steps in (20, 100):
                    source = torch.Generator().manual_seed(0)
                    moved = pgd(model, x, labels, norm=norm, eps=eps, steps=steps, loss="margin", generator=source)
                    found.append(model(moved).argmax(1) == labels)
                found.append(autoattack(model, x, labels, norm=norm, eps=eps, n_classes=n_classes, seed=0).robust)
                shares = " | ".join(f"{100 * float(standing.double().mean()):.1f}" for standing in found)
                seconds = time.process_time() - began
                print(f"| {n_classes} | {norm} | {eps} | {100 * truth:.1f} | {shares} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
