"""Geometry of the Linf, L2 and L1 balls inside the pixel box: lengths, projections, directions, starts.

Radii are tensors of shape (n,), one per image. The projection on L1 ball and box together follows
Croce & Hein, "Mind the box", ICML 2021, arXiv:2103.01208, prop. 2.1, and that on L2 ball and box the
same way: projecting on the ball first and clipping after would waste most of the budget. Linf is exact
by clipping. All three give the nearest point of the intersection.
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
        root: Tensor = flat.norm(dim=1)
        return root
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
    size, room = delta.flatten(1).abs(), torch.where(delta > 0, 1 - x, x).flatten(1)
    nearest = _l2_box if norm == "L2" else _l1_box
    kept = nearest(size, room, eps).view_as(delta)
    # rounding in the sums may leave a few ulp above eps
    kept = kept * per_image((eps / lengths(kept, norm).clamp_min(1e-12)).clamp_max(1), x)
    return (x + kept * delta.sign()).clamp_(0, 1)


def _l2_box(size: Tensor, room: Tensor, eps: Tensor) -> Tensor:
    """Nearest point of {|d|_2 <= eps, 0 <= d <= room} to size >= 0: scale by one number, then clip, exactly.

    The scale is the largest s <= 1 with |min(s size, room)|_2 <= eps. Pixels that are full at one s are full at a
    larger one, so sharing what they leave of eps among the others, until none is new, ends at it.
    """
    scale = (eps / size.norm(dim=1).clamp_min(1e-12)).clamp_max(1)
    while True:
        full = scale[:, None] * size >= room
        left = eps.square() - (room.square() * full).sum(1)
        free = (size.square() * ~full).sum(1)
        larger = (left.clamp_min(0) / free.clamp_min(1e-24)).sqrt().clamp_max(1)
        if not bool((larger > scale * (1 + 4 * torch.finfo(size.dtype).eps)).any()):  # nor where it is no number
            return torch.minimum(scale[:, None] * size, room)
        scale = torch.maximum(larger, scale)


def _l1_box(size: Tensor, room: Tensor, eps: Tensor) -> Tensor:
    """Nearest point of {|d|_1 <= eps, 0 <= d <= room} to size >= 0: lower by one number, then clip, exactly.

    What is left after lowering by c, sum_i clip(size_i - c, 0, room_i), falls with c and is piecewise linear, so
    Newton's steps end on the right piece; where one leaves the interval that is known, its middle is taken.
    """
    low, high = torch.zeros_like(eps), size.amax(1)
    cut, accuracy = low, 4 * torch.finfo(size.dtype).eps
    while True:
        above = size - cut[:, None]
        kept = torch.minimum(above.clamp_min(0), room)
        excess = kept.sum(1) - eps
        high, low = torch.where(excess <= 0, cut, high), torch.where(excess > 0, cut, low)
        done = (excess.abs() <= accuracy * eps) | (high - low <= accuracy * high) | ((excess <= 0) & (cut == 0))
        done |= excess.isnan()
        if bool(done.all()):
            return kept
        slope = ((above > 0) & (above < room)).sum(1)
        step = cut + excess / slope.clamp_min(1)
        inside = (slope > 0) & (step > low) & (step < high)
        cut = torch.where(done, cut, torch.where(inside, step, (low + high) / 2))


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
