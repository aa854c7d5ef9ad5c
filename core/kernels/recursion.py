"""One hidden ReLU layer of a kernel, and its reverse, for one block of pairs.

With n = sqrt(q_x q_z), rho = S / n, s = sqrt(1 - rho^2), theta = arccos rho, k = (pi - theta) / pi and weight
variance 2, a ReLU takes S to n s / pi + S k and the tangent kernel T to k T: the arc-cosine kernels of degree 1 and
0 (Cho & Saul 2009; Jacot et al. 2018, arXiv:1806.07572; Arora et al. 2019, arXiv:1904.11955). Their derivatives are
d(n s / pi + S k) = k dS + (s / pi) dn  and  dk = (dS - rho dn) / (pi s n).

The angle comes from atan2, so nothing is clamped into range: a clamp of rho acts as a hidden negative ridge. At
theta = 0 the tangent kernel has a kink; 1/s becomes 0 there, which is the middle of its subgradients. A vector of
zeros has the angle pi/2 to everything, again the middle.
"""

from dataclasses import dataclass
from math import pi, sqrt

import torch
from torch import Tensor

from core.kernels.layout import Layout


@dataclass(frozen=True, eq=False)
class Tape:
    """What the reverse of one layer needs, all (*pair): S, k, n s / pi, and T / (pi s n)."""

    s: Tensor
    k: Tensor
    sine: Tensor
    slope: Tensor | None


@dataclass(frozen=True, eq=False)
class Lengths:
    """Square roots of q_x or q_z and their inverses, 0 where q is 0; all (*left) or (*right)."""

    root: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, q: Tensor) -> "Lengths":
        root = q.sqrt()
        return cls(root, torch.where(root > 0, 1 / root, 0))


def relu(
    layout: Layout, s: Tensor, t: Tensor | None, x: Lengths, z: Lengths, twins: bool, taped: bool
) -> tuple[Tensor, Tensor | None, Tape | None]:
    """Pass a ReLU: (S, T) -> (n s / pi + S k, k T, tape).

    s, t   (*pair) covariance and tangent kernel; t None leaves the tangent kernel out (NNGP)
    twins  both inputs are the same images: pairs of a vector with itself have angle 0 exactly
    taped  whether the reverse will be wanted
    """
    rho = s * layout.spread(x.inverse, layout.left)
    rho *= layout.spread(z.inverse, layout.right)
    sine = torch.addcmul(torch.ones((), dtype=s.dtype, device=s.device), rho, rho, value=-1).clamp_min_(0).sqrt_()
    if twins:
        layout.twins(sine).zero_()
    k = torch.atan2(sine, rho).mul_(-1 / pi).add_(1)
    slope = None
    if taped and t is not None:
        slope = torch.where(sine < 2 * sqrt(torch.finfo(s.dtype).eps), 0, sine.reciprocal()).mul_(t).mul_(1 / pi)
        slope *= layout.spread(x.inverse, layout.left)
        slope *= layout.spread(z.inverse, layout.right)
    sine *= layout.spread(x.root / pi, layout.left)
    sine *= layout.spread(z.root, layout.right)
    tape = Tape(s, k, sine, slope) if taped else None
    return torch.addcmul(sine, s, k), None if t is None else t * k, tape


def relu_reverse(tape: Tape, g_s: Tensor, g_t: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor]:
    """Reverse of `relu`.

    g_s, g_t  (*pair) sensitivities of the two outputs
    returns   sensitivities of S and T, and n times that of n, which is 2 q times that of q
    """
    if g_t is None or tape.slope is None:
        return g_s * tape.k, None, g_s * tape.sine
    turn = g_t * tape.slope
    return torch.addcmul(turn, g_s, tape.k), g_t * tape.k, (g_s * tape.sine).addcmul_(turn, tape.s, value=-1)
