"""Regression with the fully connected NTK without bias: prediction and input gradient in one pass.

Without bias the kernel is homogeneous: K(x, z) = (2 / d) |x| |z| kappa(rho) with rho the cosine. With
k = (pi - theta) / pi and s = sin theta the layers are rho <- k rho + s / pi and kappa <- rho + k kappa (the new rho),
starting from kappa = rho. The gradient is dK/dx = (2 / d) |z| [kappa' z/|z| + (kappa - rho kappa') x/|x|]: two large
matrix products in all, the first shared with the prediction. This is what attacks on KIP spend their time in; the
general path is engine.py, and a test holds the two together. Source: Arora et al. 2019, arXiv:1904.11955.
"""

from collections.abc import Callable
from math import pi, sqrt

import torch
from torch import Tensor


class HomogeneousRegressor:
    """f(x) = K(x, support) alpha for rows x already centred.

    support  (m, d) float, centred
    alpha    (m, C) in the same dtype
    """

    def __init__(self, support: Tensor, alpha: Tensor, depth: int) -> None:
        lengths = torch.linalg.vector_norm(support, dim=1, keepdim=True)
        self._directions = torch.where(lengths > 0, support / lengths, 0)
        self._alpha = alpha * lengths * (2 / support.shape[1])
        self._depth = depth

    def value_and_pullback(self, x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        """Predictions (n, C) of centred rows (n, d), and the function that turns their gradient into that of x."""
        length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        inverse = torch.where(length > 0, 1 / length, 0)
        rho = (x @ self._directions.T).mul_(inverse)
        kappa, slope = _kappa(rho, self._depth)
        value = (kappa @ self._alpha).mul_(length)

        def pullback(grad: Tensor, out: Tensor | None = None) -> Tensor:
            """(n, C) -> (n, d), into `out` when given: fresh memory would cost as much as the arithmetic."""
            weight = grad @ self._alpha.T
            turned = weight * slope
            radial = torch.linalg.vecdot(weight, kappa) - torch.linalg.vecdot(turned, rho)
            return torch.mm(turned, self._directions, out=out).addcmul_(x, radial[:, None] * inverse)

        return value, pullback


def _kappa(rho: Tensor, depth: int) -> tuple[Tensor, Tensor]:
    """kappa and its derivative at cosines rho; the derivative of the angle counts as 0 where it vanishes."""
    flat = 2 * sqrt(torch.finfo(rho.dtype).eps)
    one = torch.ones((), dtype=rho.dtype, device=rho.device)
    kappa = slope = now = rho
    grown: Tensor | None = None  # d now / d rho, 1 at first
    for layer in range(depth):
        sine = torch.addcmul(one, now, now, value=-1).clamp_min_(0).sqrt_()
        k = torch.atan2(sine, now).mul_(-1 / pi).add_(1)
        turn = torch.where(sine < flat, torch.inf, sine).mul_(pi).reciprocal_().mul_(kappa)  # kappa dk / d now
        if grown is None:
            slope, grown = turn.add_(k).add_(k), k
        else:
            turn.mul_(grown)
            grown = grown * k if layer < depth - 1 else grown.mul_(k)
            slope.mul_(k).add_(turn).add_(grown)
        now = sine.mul_(1 / pi).addcmul_(now, k)
        kappa = now + k * kappa
    return kappa, slope
