"""Carlini & Wagner's L2 attack: the shortest perturbation by gradient descent on length plus margin.

Source: Carlini & Wagner 2017, arXiv:1608.04644, section VI.A: minimise |x' - x|^2 + c max(-margin, 0) with
Adam, and search c by bisection for every image. The box is kept by clipping (their section V.B.1) instead of
x' = (tanh w + 1) / 2: most pixels of digits are exactly 0 or 1, where tanh has no slope, and within 200 steps
that form found perturbations about twice as long. A minimal-norm attack: it reports how far the boundary is,
not whether an eps holds. Cost: searches * steps gradients.
"""

import torch
from torch import Tensor

from core.attacks.deepfool import MinimalNorm
from core.attacks.guard import untouched
from core.attacks.losses import margin
from core.attacks.pgd import Logits, check
from core.attacks.projections import lengths
from core.errors import ConfigError


def carlini_wagner(
    logits: Logits,
    x: Tensor,
    y: Tensor,
    *,
    steps: int = 200,
    searches: int = 6,
    rate: float = 0.01,
    first_c: float = 1.0,
) -> MinimalNorm:
    """Find a short L2 perturbation that changes the class.

    steps     Adam steps for each value of c
    searches  values of c that are tried: times 10 until one breaks the image, then bisection
    rate      Adam's learning rate, in pixels of [0, 1]
    """
    check(x, "L2", torch.zeros(0))
    if steps < 1 or searches < 1:
        raise ConfigError(f"steps and searches must be at least 1, got {steps} and {searches}")
    best, length = x.detach().clone(), torch.full((len(x),), torch.inf).to(x)
    low, high = torch.zeros(len(x)).to(x), torch.full((len(x),), torch.inf).to(x)
    c = torch.full((len(x),), first_c).to(x)
    with untouched(logits):
        with torch.no_grad():
            length[logits(x).argmax(1) != y] = 0
        for _ in range(searches):
            found = _descend(logits, x, y, c, steps, rate, best, length)
            high, low = torch.where(found, torch.minimum(high, c), high), torch.where(found, low, torch.maximum(low, c))
            c = torch.where(high.isfinite(), (low + high) / 2, c * 10)
    return MinimalNorm(adversarial=best, length=length, norm="L2")


def _descend(
    logits: Logits, x: Tensor, y: Tensor, c: Tensor, steps: int, rate: float, best: Tensor, length: Tensor
) -> Tensor:
    """Adam for fixed c; writes shorter finds into `best` and `length`; returns which images broke, (n,) bool."""
    found = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    now = x.detach().clone().requires_grad_()
    adam = torch.optim.Adam([now], lr=rate)
    for _ in range(steps):
        with torch.enable_grad():
            out = logits(now)
            cost = (now - x).square().flatten(1).sum(1) + c * (-margin(out, y)).clamp_min(0)
            (now.grad,) = torch.autograd.grad(cost.sum(), now)
        fell = out.detach().argmax(1) != y
        found |= fell
        reached = lengths(now.detach() - x, "L2")
        shorter = fell & (reached < length)
        best[shorter], length[shorter] = now.detach()[shorter], reached[shorter]
        adam.step()
        with torch.no_grad():
            now.clamp_(0, 1)
    return found
