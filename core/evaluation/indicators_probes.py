"""The audit's measurements that need no attack: how the model answers and what its gradients are like.

Each returns the plain number that its rule in `indicators` judges. One or two passes over the images each.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from core.attacks.losses import LOSSES
from core.attacks.projections import lengths, per_image, project, steepest
from core.types import Norm

Logits = Callable[[Tensor], Tensor]


def in_parts(logits: Logits, x: Tensor, batch: int) -> Tensor:
    """Logits (n, C) without gradient, `batch` images at a time."""
    with torch.no_grad():
        return torch.cat([logits(part) for part in x.split(batch)])


def gradients(logits: Logits, x: Tensor, y: Tensor, loss: str, batch: int) -> Tensor:
    """Gradient of a named loss with respect to the images, (n, c, h, w)."""
    parts = []
    for images, labels in zip(x.split(batch), y.split(batch), strict=True):
        with torch.enable_grad():
            images = images.detach().requires_grad_()
            total = LOSSES[loss](logits(images), labels).sum()
            parts.append(torch.autograd.grad(total, images)[0])
    return torch.cat(parts)


def probability_share(out: Tensor) -> float:
    """Percent of rows that are non-negative and sum to one."""
    return 100 * float(((out >= 0).all(1) & ((out.sum(1) - 1).abs() < 1e-4)).float().mean())


def saturated_share(out: Tensor, y: Tensor) -> float:
    """Percent of correct rows whose cross-entropy is at most 1e-6; 0 when none is correct."""
    right = out.argmax(1) == y
    return 100 * float((LOSSES["ce"](out[right], y[right]) <= 1e-6).float().mean()) if right.any() else 0.0


def zero_share(grad: Tensor) -> float:
    """Percent of images with a gradient shorter than 1e-12."""
    # scaled first: squares of a tiny gradient underflow to zero in float32, and not every device has float64
    return 100 * float((lengths(grad * 1e12, "L2") < 1).float().mean())


def uphill_share(
    logits: Logits, x: Tensor, y: Tensor, grad: Tensor, *, norm: Norm, step: float, batch: int, source: torch.Generator
) -> float:
    """Percent of images where a step along `grad` raises the margin more than a random step of equal length."""
    noise = torch.randn(x.shape, generator=source).to(x)
    radius = torch.full((len(x),), step).to(x)

    def after(direction: Tensor) -> Tensor:
        moved = project(x + step * steepest(direction, x, norm), x, norm, radius)
        return LOSSES["margin"](in_parts(logits, moved, batch), y)

    return 100 * float((after(grad) > after(noise)).float().mean())


def equal_noise(x: Tensor, norm: Norm, eps: float, source: torch.Generator) -> Tensor:
    """Images moved by eps in a random direction and clipped to the box."""
    noise = steepest(torch.randn(x.shape, generator=source).to(x), x, norm)
    return project(
        x + per_image(torch.full((len(x),), eps).to(x), x) * noise, x, norm, torch.full((len(x),), eps).to(x)
    )
