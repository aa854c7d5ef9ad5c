"""Kernel ridge regression's linear system, by Cholesky in float64, with its derivative.

(K + ridge tr(K)/m I) a = y. The ridge is relative to the mean diagonal, so a kernel times a constant gives the same
regressor. If the factorisation needs more than the ridge, the jitter that was added is part of the answer.
Cost: m^3 / 3 operations; refused above MAX_SUPPORTS, where the matrix alone takes 200 MB.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import NumericsError, ResourceError

MAX_SUPPORTS = 5000
JITTERS = (0.0, *(10.0**-p for p in range(12, 3, -1)))  # relative to the mean diagonal, like the ridge


@dataclass(frozen=True, eq=False)
class Solution:
    """A factored system with its answer.

    alpha   (m, C) float64
    factor  (m, m) float64 lower Cholesky factor
    ridge   relative, as asked
    jitter  relative, added beyond the ridge; 0 when none was needed
    """

    alpha: Tensor
    factor: Tensor
    ridge: float
    jitter: float

    def reverse(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Sensitivities of the matrix (m, m) and of the targets (m, C) from that of alpha (m, C).

        With a = A^-1 y and A = K + c tr(K)/m I: g_y = A^-1 g, G = -g_y a', g_K = G + c tr(G)/m I.
        """
        g_y = torch.cholesky_solve(grad.to(self.factor), self.factor)
        g_k = -g_y @ self.alpha.T
        g_k.diagonal().add_(g_k.trace() * ((self.ridge + self.jitter) / len(g_k)))
        return g_k, g_y


def solve(gram: Tensor, targets: Tensor, ridge: float) -> Solution:
    """Solve (gram + ridge tr(gram)/m I) alpha = targets.

    gram     (m, m) float64 symmetric
    targets  (m, C) float64
    raises   ResourceError above MAX_SUPPORTS; NumericsError when no jitter up to 1e-4 helps
    """
    refuse_supports(len(gram))
    scale = gram.diagonal().mean()
    if not bool(torch.isfinite(gram).all()):
        raise NumericsError("the kernel of the support images is not finite: lower the learning rate")
    for jitter in JITTERS:
        shifted = gram.clone()
        shifted.diagonal().add_(scale * (ridge + jitter))
        factor, failed = torch.linalg.cholesky_ex(shifted)
        if not int(failed):
            return Solution(torch.cholesky_solve(targets, factor), factor, ridge, jitter)
    raise NumericsError(
        f"the kernel of {len(gram)} support images cannot be factored with ridge {ridge:g}, nor with jitter up to "
        f"{JITTERS[-1]:g} of the mean diagonal: raise the ridge"
    )


def refuse_supports(count: int) -> None:
    """Say no before a matrix is made that will not be factored."""
    if count > MAX_SUPPORTS:
        raise ResourceError(
            f"kernel regression is solved by Cholesky for at most {MAX_SUPPORTS} support images, got {count}: lower ipc"
        )
