"""Geometry of the Linf, L2 and L1 balls inside the pixel box: lengths, projections, directions, starts.

Radii are tensors of shape (n,), one per image. The projection on L1 ball and box together follows
Croce & Hein, "Mind the box", ICML 2021, arXiv:2103.01208, prop. 2.1: projecting on the ball first
and clipping after would waste most of the budget. Linf is exact by clipping. For L2 the point is
scaled into the ball and clipped, which is feasible but not the nearest point of the intersection.
"""

import torch
from torch import Tensor

from core.errors import ConfigError
from core.types import Norm

NORMS: tuple[Norm, ...] = ("Linf", "L2", "L1")
L1_SPARSITY = 0.01  # share of pixels that one L1 step moves (SLIDE); Tramer & Boneh 2019, arXiv:1904.13000


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """Shape (n,) numbers so that they broadcast over (n, ...) images."""
    return values.view(-1, *[1] * (like.ndim - 1))


def lengths(delta: Tensor, norm: Norm) -> Tensor:
    """Norm of each row of (n, ...) as (n,)."""
    flat = delta.flatten(1)
    if norm == "Linf":
        return flat.abs().amax(1)
    if norm == "L2":
        return flat.norm(dim=1)
    if norm == "L1":
        return flat.abs().sum(1)
    raise ConfigError(f"norm must be one of {', '.join(NORMS)}, got {norm!r}")


def project(moved: Tensor, x: Tensor, norm: Norm, eps: Tensor) -> Tensor:
    """Bring images back within eps of x and into [0, 1].

    moved    (n, ...) float
    x        (n, ...) float in [0, 1]
    eps      (n,) radii >= 0
    returns  (n, ...) within eps of x in `norm` and within [0, 1]
    """
    radius = per_image(eps, x)
    if norm == "Linf":
        return moved.clamp(x - radius, x + radius).clamp_(0, 1)
    delta = moved - x
    if norm == "L2":
        length = per_image(lengths(delta, norm), x)
        return (x + delta * (radius / length.clamp_min(1e-12)).clamp_max(1)).clamp_(0, 1)
    return (x + _project_l1_box(delta, x, eps)).clamp_(0, 1)


def _project_l1_box(delta: Tensor, x: Tensor, eps: Tensor) -> Tensor:
    """Nearest point of {|d|_1 <= eps, 0 <= x + d <= 1}: soft threshold by lambda, then clip, exactly.

    The length left after thresholding by lambda, sum_i clip(|u_i| - lambda, 0, room_i), is piecewise
    linear with corners at |u_i| and |u_i| - room_i, so lambda lies between two sorted corners.
    """
    size = delta.flatten(1).abs()
    room = torch.where(delta > 0, 1 - x, x).flatten(1)
    inside = torch.minimum(size, room).sum(1) <= eps
    low = (size - room).clamp_min(0)
    corners, order = torch.cat([size, low], 1).sort(1, descending=True)
    # walking lambda down, passing |u_i| adds slope 1, passing |u_i| - room_i removes it again
    slope = torch.cat([torch.ones_like(size), -torch.ones_like(low)], 1).gather(1, order).cumsum(1)
    gaps = corners[:, :-1] - corners[:, 1:]
    grown = torch.cat([torch.zeros_like(gaps[:, :1]), (slope[:, :-1] * gaps).cumsum(1)], 1)
    last = (grown < eps[:, None]).sum(1, keepdim=True).sub(1).clamp_min(0)
    missing = eps[:, None] - grown.gather(1, last)
    cut = (corners.gather(1, last) - missing / slope.gather(1, last).clamp_min(1)).clamp_min(0)
    cut = torch.where(inside[:, None], torch.zeros_like(cut), cut)
    kept = torch.minimum((size - cut).clamp_min(0), room).view_as(delta)
    # rounding in the sums may leave a few ulp above eps
    kept = kept * per_image((eps / lengths(kept, "L1").clamp_min(1e-12)).clamp_max(1), x)
    return kept * delta.sign()


def steepest(grad: Tensor, x: Tensor, norm: Norm) -> Tensor:
    """Direction of length one along which a loss with this gradient rises fastest.

    grad     (n, ...); x (n, ...) the images where it was taken, which limit the L1 choice of pixels
    returns  (n, ...) of length 1 in `norm`, 0 where the gradient is 0
    """
    if norm == "Linf":
        return grad.sign()
    if norm == "L2":
        # scale first: squares of a saturated loss's gradient underflow in float32
        grad = grad / per_image(lengths(grad, "Linf").clamp_min(1e-30), grad)
        return grad / per_image(lengths(grad, "L2").clamp_min(1e-12), grad)
    free = torch.where(grad > 0, x < 1, x > 0)
    size = (grad.abs() * free).flatten(1)
    count = max(1, round(L1_SPARSITY * size.shape[1]))
    chosen = torch.zeros_like(size).scatter_(1, size.topk(count, dim=1).indices, 1.0)
    chosen = (chosen * (size > 0)).view_as(grad) * grad.sign()
    return chosen / per_image(lengths(chosen, "L1").clamp_min(1), grad)


def random_start(x: Tensor, norm: Norm, eps: Tensor, generator: torch.Generator) -> Tensor:
    """Images drawn uniformly from the ball of radius eps around x, then clipped to [0, 1].

    Drawn on the CPU whatever the device of x, so that a seed means the same start everywhere.
    """
    shape = x.shape
    if norm == "Linf":
        delta = torch.rand(shape, generator=generator) * 2 - 1
    elif norm == "L2":
        delta = torch.randn(shape, generator=generator)
        radius = torch.rand(shape[0], generator=generator) ** (1 / delta[0].numel())
        delta = delta * per_image(radius / lengths(delta, "L2").clamp_min(1e-12), delta)
    else:
        # d + 1 exponential variables divided by their sum are uniform on the simplex
        parts = torch.empty(shape[0], x[0].numel() + 1).exponential_(generator=generator)
        parts = (parts / parts.sum(1, keepdim=True))[:, :-1].view(shape)
        delta = parts * (torch.randint(0, 2, shape, generator=generator) * 2 - 1)
    return project(x + delta.to(x) * per_image(eps, x), x, norm, eps)
