"""APGD for L1: sparse steps whose number of pixels and length adapt, from larger balls down to the right one.

Source: Croce & Hein 2021, "Mind the box", arXiv:2103.01208, algorithm 1 and section 4: the step moves the share k of
pixels with the largest gradient by its sign; at every check k becomes two thirds of the share that the best point so
far moves; where that share stopped shrinking the step is divided by 1.5, down to a tenth of eps, else it is eps again
and the search goes on from the best point. The first 30 % of the steps are taken in 3 eps, the next 30 % in 2 eps.
Added here: the last tenth are steps of core.attacks.ascent, as long as eps, from the best point; where the loss is
linear they end at its maximum, which sparse steps of signs only come near.
Cost: one gradient a step, of the images still standing.
"""

from collections.abc import Callable
from math import ceil

import torch
from torch import Tensor

from core.attacks.ascent import ascend
from core.attacks.losses import ce
from core.attacks.projections import per_image, project

Logits = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
BALLS, SHARES = (3.0, 2.0, 1.0), (0.3, 0.3)  # times eps, and of the steps; the last ball has the rest
FIRST_SHARE = 0.2  # of the pixels moved by a step
LONGER, SLOWER, SHORTEST = 1.5, 1.5, 10.0
SHRINKS = 0.95  # a share this much below the last one is still shrinking
CHECK = 0.04  # of the steps between two checks
LAST = 0.1  # of the steps that are not sparse


def apgd_l1(
    logits: Logits, x: Tensor, y: Tensor, *, eps: float, steps: int, generator: torch.Generator, restarts: int = 1,
    loss: Loss = ce, average: int = 1,
) -> Tensor:  # fmt: skip
    """Images within eps of x in L1 and within [0, 1] that the model gets wrong, where such were found.

    x, y       (n, c, h, w) float32 in [0, 1], (n,) int64
    loss       (logits, y) -> (n,), to be maximised
    average    gradients averaged at each step, for models that answer at random
    generator  CPU source of the starts
    returns    (n, c, h, w); the image itself where none was found
    """
    found, standing = x.clone(), torch.arange(len(x), device=x.device)
    for _ in range(restarts):
        if not len(standing):
            break
        moved, fell = _descend(logits, x[standing], y[standing], eps, steps, generator, loss, average)
        found[standing[fell]] = moved[fell]
        standing = standing[~fell]
    return found


def targeted_dlr(logits: Logits, x: Tensor, place: int) -> Loss:
    """The targeted DLR loss towards the class that is in this place at x, 2 for the second; needs four classes.

    source  Croce & Hein 2020, arXiv:2003.01690, eq. 7
    """
    targets = logits(x).argsort(1)[:, -place]

    def loss(out: Tensor, y: Tensor) -> Tensor:
        top = out.topk(4, dim=1).values
        apart = out.gather(1, y[:, None])[:, 0] - out.gather(1, targets[:, None])[:, 0]
        return -apart / (top[:, 0] - (top[:, 2] + top[:, 3]) / 2 + 1e-12)

    return loss


def apgd_l1_targeted(
    logits: Logits, x: Tensor, y: Tensor, *, eps: float, steps: int, generator: torch.Generator, targets: int
) -> Tensor:
    """`apgd_l1` towards the best wrong classes in turn, each on the images that stand after the others."""
    found, standing = x.clone(), torch.arange(len(x), device=x.device)
    for place in range(2, targets + 2):
        if not len(standing):
            break
        part, label = x[standing], y[standing]
        loss = targeted_dlr(logits, part, place)
        moved, fell = _descend(logits, part, label, eps, steps, generator, loss, 1)
        found[standing[fell]] = moved[fell]
        standing = standing[~fell]
    return found


def _descend(
    logits: Logits, x: Tensor, y: Tensor, eps: float, steps: int, generator: torch.Generator, loss: Loss, average: int
) -> tuple[Tensor, Tensor]:
    """One run through all balls: images, and (n,) bool which were broken within eps."""
    begin = x + torch.randn(x.shape, generator=generator).to(x)
    counts = [ceil(share * steps) for share in SHARES]
    for ball, count in zip(BALLS, [*counts, steps - sum(counts)], strict=True):
        radius = torch.full((len(x),), ball * eps).to(x)
        climb, last = _Climb(logits, x, y, radius, loss, average), ceil(LAST * steps) if ball == 1 else 0
        begin = climb.run(project(begin, x, "L1", radius), max(count, 1), last)
    return climb.fallen, climb.fell


class _Climb:
    """APGD within one ball: where it is, the best point so far, and where an image was broken."""

    def __init__(self, logits: Logits, x: Tensor, y: Tensor, radius: Tensor, loss: Loss, average: int) -> None:
        self.logits, self.x, self.y, self.radius, self.loss, self.average = logits, x, y, radius, loss, average
        self.fell = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        self.fallen = x.clone()

    def run(self, start: Tensor, steps: int, last: int) -> Tensor:
        """The point with the largest loss after this many steps from `start`, the last of them not sparse."""
        now, before, pixels = start, start, self.x[0].numel()
        grad, best_loss = self._look(now)
        best, best_grad = now, grad
        share, moved = torch.full_like(self.radius, FIRST_SHARE), torch.full_like(self.radius, float(pixels))
        size, every = self.radius.clone(), max(1, int(CHECK * steps))
        for step in range(steps - last):
            towards = project(now + per_image(size, now) * self._sparse(grad, share), self.x, "L1", self.radius)
            if step:
                towards = project(now + 0.75 * (towards - now) + 0.25 * (now - before), self.x, "L1", self.radius)
            before, now = now, towards
            grad, loss = self._look(now)
            better = loss > best_loss
            best, best_grad = _where(better, now, best), _where(better, grad, best_grad)
            best_loss = torch.maximum(loss, best_loss)
            if (step + 1) % every == 0:
                count = (best != self.x).flatten(1).sum(1).to(moved)
                shrinks = count / moved < SHRINKS
                share, moved = count / pixels / LONGER, count
                shorter = torch.maximum(size / SLOWER, self.radius / SHORTEST)
                size = torch.where(shrinks, self.radius, shorter)
                now, grad = _where(shrinks, best, now), _where(shrinks, best_grad, grad)
        for _ in range(last):
            now = ascend(best, self.x, best_grad, "L1", self.radius, self.radius)
            grad, loss = self._look(now)
            better = loss > best_loss
            best, best_grad = _where(better, now, best), _where(better, grad, best_grad)
            best_loss = torch.maximum(loss, best_loss)
        return best

    def _look(self, now: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient and loss there; remembers what is broken."""
        total, here = torch.zeros_like(now), now.detach()
        for _ in range(self.average):
            here = now.detach().requires_grad_()
            with torch.enable_grad():
                out = self.logits(here)
                loss = self.loss(out, self.y)
                total += torch.autograd.grad(loss.sum(), here)[0]
        wrong = out.detach().argmax(1) != self.y
        self.fell |= wrong
        self.fallen = _where(wrong, now, self.fallen)
        return total, loss.detach()

    def _sparse(self, grad: Tensor, share: Tensor) -> Tensor:
        """Signs of the share of pixels with the largest gradient, of length one in L1."""
        size = grad.flatten(1).abs()
        place = ((1 - share).clamp_min(0) * size.shape[1]).long().clamp_max(size.shape[1] - 1)
        least = size.sort(1).values.gather(1, place[:, None])
        chosen = ((size >= least) & (size > 0)).view_as(grad) * grad.sign()
        return chosen / per_image(chosen.flatten(1).abs().sum(1).clamp_min(1), grad)


def _where(rows: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(per_image(rows, a), a, b)
