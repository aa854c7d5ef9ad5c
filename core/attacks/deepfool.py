"""DeepFool: walk to the nearest decision boundary by linearising all of them.

Source: Moosavi-Dezfooli et al. 2016, arXiv:1511.04599, algorithm 2, with the Linf and L1 forms of its
section 3.3. A minimal-norm attack: it reports how far the boundary is, not whether an eps holds.
Cost: one forward and C backward passes per step. On a linear model away from the pixel box it is exact.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.attacks.guard import untouched
from core.attacks.pgd import Logits, check
from core.attacks.projections import lengths, per_image
from core.errors import ConfigError
from core.types import Norm

DUAL: dict[Norm, Norm] = {"Linf": "L1", "L2": "L2", "L1": "Linf"}


@dataclass(frozen=True, kw_only=True, eq=False)
class MinimalNorm:
    """How far each image is from being misclassified.

    adversarial  (n, c, h, w) in [0, 1]; the clean image where none was found
    length       (n,) norm of the perturbation; 0 where wrong anyway, infinite where none was found
    norm         of the lengths
    """

    adversarial: Tensor
    length: Tensor
    norm: Norm


def deepfool(
    logits: Logits, x: Tensor, y: Tensor, *, norm: Norm, steps: int = 50, overshoot: float = 0.02
) -> MinimalNorm:
    """Find a short perturbation that changes the class.

    norm       "Linf", "L2" or "L1"
    overshoot  how much further than the linearised boundary each step goes
    """
    check(x, norm, torch.zeros(0))
    if steps < 1 or overshoot < 0:
        raise ConfigError(f"steps must be at least 1 and overshoot at least 0, got {steps} and {overshoot}")
    adversarial = x.detach().clone()
    length = torch.full((len(x),), torch.inf).to(x)
    rows, now = torch.arange(len(x), device=x.device), x.detach()
    with untouched(logits):
        for step in range(steps + 1):
            out, slopes = _linearise(logits, now)
            fell = out.argmax(1) != y[rows]
            adversarial[rows[fell]] = now[fell]
            length[rows[fell]] = lengths(now[fell] - x[rows[fell]], norm)
            rows, now, out, slopes = rows[~fell], now[~fell], out[~fell], slopes[~fell]
            if not len(rows) or step == steps:
                break
            now = (now + (1 + overshoot) * _nearest(out, slopes, y[rows], norm)).clamp(0, 1)
    return MinimalNorm(adversarial=adversarial, length=length, norm=norm)


def _linearise(logits: Logits, x: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n, C) and their gradients (n, C, c, h, w)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        out = logits(x)
        grads = [torch.autograd.grad(out[:, k].sum(), x, retain_graph=True)[0] for k in range(out.shape[1])]
    return out.detach(), torch.stack(grads, 1)


def _nearest(out: Tensor, slopes: Tensor, y: Tensor, norm: Norm) -> Tensor:
    """Shortest step onto the nearest of the linearised boundaries between y and the other classes."""
    at = torch.arange(len(out), device=out.device)
    gap = out[at, y][:, None] - out
    slope = slopes - slopes[at, y][:, None]
    flat = slope.flatten(0, 1)
    dual = lengths(flat, DUAL[norm]).view_as(gap).clamp_min(1e-12)
    distance = gap / dual
    distance[at, y] = torch.inf
    nearest = distance.argmin(1)
    w, size = slope[at, nearest], per_image(distance[at, nearest].clamp_min(1e-6), slope[at, nearest])
    if norm == "Linf":
        return size * w.sign()
    if norm == "L2":
        return size * w / per_image(dual[at, nearest], w)
    top = w.flatten(1).abs().argmax(1, keepdim=True)
    unit = torch.zeros_like(w.flatten(1)).scatter_(1, top, w.flatten(1).gather(1, top).sign())
    return size * unit.view_as(w)
