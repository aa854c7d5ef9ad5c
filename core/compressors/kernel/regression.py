"""The regressor inside KIP: fitted once per step, attacked, and differentiated with respect to its support.

Work is cut into chunks of about `CHUNK` pairs, layers counted, by sizes alone, never by a clock, so that the sums
are the same on every run; after each chunk the work pauses with None. The gradient goes by hand through the solve
(`Solution.reverse`), so no graph outlives a chunk.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from core.attacks import LOSSES, pgd_steps
from core.attacks.ascent import ascend
from core.attacks.projections import random_start
from core.events import through
from core.kernels import HomogeneousRegressor, Kernel, Solution, precise, solve
from core.types import Norm, usual_step

CHUNK = 8_000_000  # pairs of positions times layers between two pauses: below half a second on one core


@dataclass(frozen=True, eq=False)
class Regressor:
    """Kernel regression on support images; all images already centred except those under attack.

    support  (m, c, h, w) float32 centred
    alpha    (m, C) float32
    mean     (c, h, w) float32
    """

    kernel: Kernel
    support: Tensor
    alpha: Tensor
    mean: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """(n, c, h, w) pixels -> (n, C)."""
        return self.kernel(images - self.mean, self.support) @ self.alpha


def fit(kernel: Kernel, x_s: Tensor, y_s: Tensor, mean: Tensor, ridge: float) -> Generator[None, None, Solution]:
    """Solve for alpha in float64; x_s (m, c, h, w) pixels, y_s (m, C)."""
    x = precise(x_s - mean)
    gram = x.new_empty(len(x), len(x))
    for rows, rest in _triangle(kernel, x):
        gram[rows, rows] = kernel(x[rows])
        if rest.start < len(x):
            gram[rows, rest] = kernel(x[rows], x[rest])
            gram[rest, rows] = gram[rows, rest].T
        yield
    return solve(gram, y_s.to(gram), ridge)


def attack(
    regressor: Regressor, x: Tensor, y: Tensor, *, norm: Norm, eps: float, steps: int, generator: torch.Generator
) -> Generator[None, None, Tensor]:
    """PGD on the squared error, last iterate; x (b, c, h, w) pixels, y (b, C) centred targets."""
    moved, kernel = [], regressor.kernel
    run: Generator[object, None, Tensor]
    fast = kernel.family == "fc" and kernel.tangent and not kernel.bias_std and norm in ("Linf", "L2")
    if not steps or not eps:
        return x
    for rows in chunks(kernel, x, len(regressor.support)):
        if fast:
            run = climb(regressor, x[rows], y[rows], norm=norm, eps=eps, steps=steps, generator=generator)
        else:
            run = pgd_steps(
                regressor, x[rows], y[rows], norm=norm, eps=eps, steps=steps, loss="mse", generator=generator,
                keep="last",
            )  # fmt: skip
        moved.append((yield from _pausing(run)))
    return torch.cat(moved)


def climb(
    regressor: Regressor, x: Tensor, y: Tensor, *, norm: Norm, eps: float, steps: int, generator: torch.Generator
) -> Generator[None, None, Tensor]:
    """What `core.attacks.pgd` does with these arguments, for the FC tangent kernel without bias, at half the time.

    Works on centred rows, in place, with the closed form of value and gradient; arguments as for `attack`.
    """
    model = HomogeneousRegressor(regressor.support.flatten(1), regressor.alpha, regressor.kernel.depth)
    radius, alpha = torch.full((len(x),), eps).to(x), usual_step(eps, steps)
    size = torch.full_like(radius, alpha)
    low, high = (x - eps).clamp_(0, 1), (x + eps).clamp_(0, 1)
    rows, mean = random_start(x, norm, radius, generator).flatten(1), regressor.mean.flatten()
    rows.sub_(mean)
    floor, ceiling = low.flatten(1) - mean, high.flatten(1) - mean
    grad = torch.empty_like(rows)
    for _ in range(steps):
        value, pullback = model.value_and_pullback(rows)
        pullback(2 * (value - y), out=grad)
        yield
        if norm == "Linf":
            rows.add_(grad.sign_(), alpha=alpha)
            torch.maximum(rows, floor, out=rows)
            torch.minimum(rows, ceiling, out=rows)
        else:
            now = rows + mean
            rows = ascend(now, x.flatten(1), grad, norm, radius, size).sub_(mean)
    return (rows + mean).view_as(x).clamp(low, high)


def loss_and_gradient(
    kernel: Kernel, x_s: Tensor, solution: Solution, x: Tensor, y: Tensor, mean: Tensor
) -> Generator[None, None, tuple[Tensor, Tensor, Tensor]]:
    """Mean squared error on a batch and its gradient through both kernels.

    x_s      (m, c, h, w) support pixels that `solution` was fitted on
    x, y     (b, c, h, w) pixels, (b, C) centred targets
    returns  loss (), gradient of x_s (m, c, h, w), gradient of y_s (m, C) float64
    """
    support = (x_s - mean).requires_grad_()
    alpha = solution.alpha.to(x_s).requires_grad_()
    g_x, g_alpha, total = torch.zeros_like(x_s), torch.zeros_like(solution.alpha), x_s.new_zeros(())
    for rows in chunks(kernel, x, len(x_s)):
        loss = LOSSES["mse"](kernel(x[rows] - mean, support) @ alpha, y[rows]).sum() / len(x)
        one_x, one_alpha = torch.autograd.grad(loss, (support, alpha))
        g_x += one_x
        g_alpha += one_alpha.to(g_alpha)
        total += loss.detach()
        yield
    g_gram, g_y = solution.reverse(g_alpha)
    exact = precise(support.detach())
    g_exact = torch.zeros_like(exact)
    for rows, rest in _triangle(kernel, exact):
        left, right = exact[rows].requires_grad_(), exact[rest].requires_grad_()
        value = (kernel(left) * g_gram[rows, rows]).sum()
        if len(right):
            value = value + (kernel(left, right) * (g_gram[rows, rest] + g_gram[rest, rows].T)).sum()
        g_left, g_right = torch.autograd.grad(value, (left, right), materialize_grads=True)
        g_exact[rows] += g_left
        g_exact[rest] += g_right
        yield
    return total, g_x + g_exact.to(g_x), g_y


def correct(
    regressor: Regressor, x: Tensor, y: Tensor, *, norm: Norm, eps: float, steps: int, generator: torch.Generator
) -> Generator[None, None, tuple[int, int]]:
    """Images right without an attack, and still right under margin-PGD; y (n,) int64 classes."""
    clean = robust = 0
    for rows in chunks(regressor.kernel, x, len(regressor.support)):
        with torch.no_grad():
            clean += int((regressor(x[rows]).argmax(1) == y[rows]).sum())
        yield
        run = pgd_steps(
            regressor, x[rows], y[rows], norm=norm, eps=eps, steps=steps, loss="margin", generator=generator
        )
        worst = yield from _pausing(run)
        with torch.no_grad():
            robust += int((regressor(worst).argmax(1) == y[rows]).sum())
    return clean, robust


def chunks(kernel: Kernel, x: Tensor, supports: int) -> Iterator[slice]:
    """Rows of x, few enough for one gradient between two pauses."""
    size = max(1, CHUNK // (kernel.pairs((x.shape[1], x.shape[2], x.shape[3])) * kernel.depth * supports))
    for start in range(0, len(x), size):
        yield slice(start, min(start + size, len(x)))


def _triangle(kernel: Kernel, x: Tensor) -> Iterator[tuple[slice, slice]]:
    """Rows of a symmetric matrix with the columns right of their diagonal block."""
    for rows in chunks(kernel, x, len(x)):
        yield rows, slice(rows.stop, len(x))


def _pausing(run: Generator[object, None, Tensor]) -> Generator[None, None, Tensor]:
    return (yield from through(run, lambda _: None))
