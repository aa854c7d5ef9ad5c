"""Projected gradient descent in Linf, L2 and L1.

Source: Madry et al. 2018, arXiv:1706.06083, eq. 2.1; targeted form and step 2.5 eps / steps as there. In L2 and L1
the length of a step is that of the move within ball and box, see core.attacks.ascent.
Cost: steps gradients per restart; `keep="worst"` adds one forward pass and leaves out images that are
broken already, `keep="last"` is the bare inner loop of adversarial training.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.attacks.ascent import ascend
from core.attacks.guard import untouched
from core.attacks.losses import Loss, hard_labels, resolve
from core.attacks.projections import NORMS, project, random_start
from core.errors import ConfigError, NumericsError
from core.events import finish
from core.types import Norm, usual_step

Logits = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One moment of an attack.

    restart, step  counted from 0
    rows           (m,) int64 images still under attack
    images         (m, c, h, w) where they are now, before this step
    loss           (m,) what the attack maximises, there
    """

    restart: int
    step: int
    rows: Tensor
    images: Tensor
    loss: Tensor


def pgd(
    logits: Logits,
    x: Tensor,
    y: Tensor,
    *,
    norm: Norm,
    eps: float | Tensor,
    steps: int,
    step_size: float | Tensor | None = None,
    restarts: int = 1,
    random_start: bool = True,
    loss: str | Loss = "ce",
    targets: Tensor | None = None,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
    keep: Literal["worst", "last"] = "worst",
    search: Logits | None = None,
) -> Tensor:
    """Find images within eps of x that maximise the loss of a model.

    logits        any differentiable function (n, c, h, w) in [0, 1] -> (n, C); a Module is held in eval mode
    x, y          (n, c, h, w) float32 in [0, 1]; (n,) int64, or (n, C) soft targets for ce, mse or a function
    eps           radius in the units of x, or (n,) radii; 0 gives x back
    step_size     alpha, or (n,); None means 2.5 eps / steps
    loss          "ce", "margin", "dlr", "mse", or (logits, y) -> (n,)
    targets       (n,) int64 classes to reach instead of leaving y
    start         (n, c, h, w) perturbation to begin the first restart from, instead of a random one
    generator     CPU source of the random starts; required when there are any
    keep          "worst": for each image the iterate worst for the model over all restarts, the last one
                  included: broken before not broken, then the larger loss; "last": the last iterate
    search        a cheaper version of `logits` to take gradients and losses of, see core.attacks.precision; an image
                  counts as broken, and leaves the batch, only when `logits` itself says so
    returns       (n, c, h, w), within eps of x and within [0, 1]
    """
    run = pgd_steps(
        logits, x, y, norm=norm, eps=eps, steps=steps, step_size=step_size, restarts=restarts,
        random_start=random_start, loss=loss, targets=targets, start=start, generator=generator, keep=keep,
        search=search,
    )  # fmt: skip
    return finish(run)


def pgd_steps(
    logits: Logits,
    x: Tensor,
    y: Tensor,
    *,
    norm: Norm,
    eps: float | Tensor,
    steps: int,
    step_size: float | Tensor | None = None,
    restarts: int = 1,
    random_start: bool = True,
    loss: str | Loss = "ce",
    targets: Tensor | None = None,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
    keep: Literal["worst", "last"] = "worst",
    search: Logits | None = None,
) -> Generator[Step, None, Tensor]:
    """`pgd` one gradient at a time: yields a Step each, can be closed at any of them, returns the images."""
    eps = torch.as_tensor(eps, dtype=x.dtype, device=x.device).expand(len(x))
    check(x, norm, eps)
    draws = random_start and (restarts > 1 or start is None)
    if steps < 0 or restarts < 1 or (draws and generator is None):
        raise ConfigError(
            f"steps must be at least 0, restarts at least 1, and random starts need a generator; got "
            f"steps={steps}, restarts={restarts}, generator={generator}"
        )
    if not steps or not len(x) or not eps.any():
        return x
    alpha = usual_step(eps, steps) if step_size is None else torch.as_tensor(step_size).to(eps).expand(len(x))
    aim = _Aim(logits, resolve(loss), y, targets, search)
    starts = _Starts(x, norm, eps, start, generator if random_start else None)
    with untouched(logits):
        if keep == "last":
            return (yield from _last(aim, x, starts, norm, eps, alpha, steps, restarts))
        return (yield from _worst(aim, x, starts, norm, eps, alpha, steps, restarts))


def check(x: Tensor, norm: Norm, eps: Tensor) -> None:
    """Refuse images outside [0, 1], negative radii and unknown norms."""
    if norm not in NORMS:
        raise ConfigError(f"norm must be one of {', '.join(NORMS)}, got {norm!r}")
    if len(eps) and not bool((eps >= 0).all()):
        raise ConfigError(f"eps must be at least 0, got {float(eps.min()):.4g}")
    if x.numel():
        low, high = (float(v) for v in x.aminmax())
        if not (low >= 0 and high <= 1):
            raise ConfigError(
                f"images must lie in [0, 1], got values from {low:.4g} to {high:.4g}: divide by the largest "
                f"pixel value and leave normalisation to the model's first layer"
            )


@dataclass(frozen=True, eq=False)
class _Aim:
    """What is attacked, what of it is differentiated, and when it counts as broken."""

    logits: Logits
    loss: Loss
    y: Tensor
    targets: Tensor | None
    search: Logits | None = None

    def judge(self, images: Tensor, rows: Tensor | slice, logits: Logits | None = None) -> tuple[Tensor, Tensor]:
        """Loss to maximise and whether each image is broken, both (m,)."""
        out = (logits or self.logits)(images)
        if self.targets is None:
            return self.loss(out, self.y[rows]), out.detach().argmax(1) != hard_labels(self.y[rows])
        return -self.loss(out, self.targets[rows]), out.detach().argmax(1) == self.targets[rows]

    def gradient(self, images: Tensor, rows: Tensor | slice) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient with respect to the images only, with what `judge` returns."""
        images = images.detach().requires_grad_()
        with torch.enable_grad():
            loss, broken = self.judge(images, rows, self.search)
            if not loss.requires_grad:
                raise ConfigError("the model gives no gradient with respect to its images: only Square can attack it")
            (grad,) = torch.autograd.grad(loss.sum(), images)
        return grad, loss.detach(), broken if self.search is None else self._held(images.detach(), rows, broken)

    def _held(self, images: Tensor, rows: Tensor | slice, broken: Tensor) -> Tensor:
        """Of the images that the search takes for broken, those that the model itself misjudges."""
        found = broken.nonzero()[:, 0]
        if not len(found):
            return broken
        held = torch.zeros_like(broken)
        at = found if isinstance(rows, slice) else rows[found]
        with torch.no_grad():
            held[found] = self.judge(images[found], at)[1]
        return held


@dataclass(frozen=True, eq=False)
class _Starts:
    """Where each restart begins; every restart draws for all images, so that fewer left change nothing."""

    x: Tensor
    norm: Norm
    eps: Tensor
    first: Tensor | None
    generator: torch.Generator | None

    def draw(self, restart: int) -> Tensor:
        if restart == 0 and self.first is not None:
            return project(self.x + self.first, self.x, self.norm, self.eps)
        if self.generator is None:
            return self.x
        return random_start(self.x, self.norm, self.eps, self.generator)


def _refuse_nan(loss: Tensor) -> None:
    if not bool(loss.isfinite().all()):
        raise NumericsError("the model's loss is NaN or infinite under attack: its training has diverged")


def _last(
    aim: _Aim, x: Tensor, starts: _Starts, norm: Norm, eps: Tensor, alpha: Tensor, steps: int, restarts: int
) -> Generator[Step, None, Tensor]:
    rows = torch.arange(len(x), device=x.device)
    now = x
    for restart in range(restarts):
        now = starts.draw(restart)
        for step in range(steps):
            grad, loss, _ = aim.gradient(now, slice(None))
            yield Step(restart=restart, step=step, rows=rows, images=now, loss=loss)
            now = ascend(now, x, grad, norm, eps, alpha)
    return now.detach()


def _worst(
    aim: _Aim, x: Tensor, starts: _Starts, norm: Norm, eps: Tensor, alpha: Tensor, steps: int, restarts: int
) -> Generator[Step, None, Tensor]:
    best = x.detach().clone()
    with torch.no_grad():
        best_loss, broken = aim.judge(x, slice(None))
    _refuse_nan(best_loss)
    for restart in range(restarts):
        now = starts.draw(restart)
        rows = (~broken & (eps > 0)).nonzero()[:, 0]
        now = now[rows]
        for step in range(steps + 1):
            if not len(rows):
                break
            if step < steps:
                grad, loss, fell = aim.gradient(now, rows)
            else:
                with torch.no_grad():
                    loss, fell = aim.judge(now, rows)
            _refuse_nan(loss)
            better = fell | (loss > best_loss[rows])
            best[rows[better]], best_loss[rows[better]] = now[better], loss[better]
            broken[rows[fell]] = True
            yield Step(restart=restart, step=step, rows=rows, images=now, loss=loss)
            if step == steps:
                break
            if bool(fell.any()):
                rows, now, grad = rows[~fell], now[~fell], grad[~fell]
            now = ascend(now, x[rows], grad, norm, eps[rows], alpha[rows])
    return best
