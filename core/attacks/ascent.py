"""One step of an attack within ball and box together, of a chosen length, in Linf, L2 and L1.

In Linf the step goes along the sign of the gradient g and is clipped. In L2 and L1 the point now + t g is projected on
the intersection of ball and box, and t grows until the image has moved by the length of the step or no further t moves
it: the projected gradient method with a step measured where it counts, after the projection. For a linear model its
fixed point is the exact maximum; a step measured before the projection loses most of itself to pixels that are 0 or 1.
In L1 only the pixels with the largest gradient that can still move take part, besides those that stand at the box and
push against it, which the projection would otherwise draw back. Sources: Goldstein 1964 (gradient projection); sparse
steps, Tramer & Boneh 2019, arXiv:1904.13000; the projection, Croce & Hein 2021, arXiv:2103.01208.
Cost: up to `TRIES` projections, a few passes over the pixels each.
"""

import torch
from torch import Tensor

from core.attacks.projections import L1_SPARSITY, lengths, per_image, project
from core.types import Norm

TRIES = 6
# share of a step's length that is enough: in L2 the rest would follow rounding in the gradient; in L1, where a step
# moves a few pixels, stopping at .98 left linear models half a point more robust than they are
NEAR = {"L2": 0.98, "L1": 1.0}
FASTEST = 10.0  # t grows by at most this from one try to the next


def ascend(now: Tensor, x: Tensor, grad: Tensor, norm: Norm, eps: Tensor, alpha: Tensor) -> Tensor:
    """Move images by one step along a gradient.

    now      (n, ...) where they are, within eps of x and within [0, 1]
    x, grad  (n, ...) the clean images; the gradient of what is to rise
    eps      (n,) radii; alpha (n,) lengths of the step, in `norm`
    returns  (n, ...) within eps of x and within [0, 1]
    """
    if norm == "Linf":
        return project(now + per_image(alpha, x) * grad.sign(), x, norm, eps)
    # scaled first: squares of a saturated loss's gradient underflow in float32
    grad = grad / per_image(lengths(grad, "Linf").clamp_min(1e-30), grad)
    free = torch.where(grad > 0, now < 1, now > 0)
    if norm == "L1":
        grad = torch.where(free & ~_steepest(grad * free), torch.zeros_like(grad), grad)
    enough = NEAR[norm] * alpha
    rate = alpha / lengths(grad * free, norm).clamp_min(1e-12)
    moved = now
    for _ in range(TRIES):
        moved = project(now + per_image(rate, x) * grad, x, norm, eps)
        reached = lengths(moved - now, norm)
        if bool((reached >= enough).all()):
            break
        # the length grows no faster than t, so this never goes too far; an image that is there stays, so that the step
        # of one does not depend on the others of its batch
        more = (alpha / reached.clamp_min(1e-12)).clamp(1, FASTEST)
        rate = torch.where(reached >= enough, rate, rate * more)
    return moved


def _steepest(grad: Tensor) -> Tensor:
    """(n, ...) bool: the pixels with the largest gradient of each image, a hundredth of all."""
    size = grad.flatten(1).abs()
    count = max(1, round(L1_SPARSITY * size.shape[1]))
    return (size >= size.topk(count, dim=1).values[:, -1:]).view_as(grad)
