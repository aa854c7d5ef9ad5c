"""The generalised adversarial loss: an upper bound, through a cover, of the adversarial loss on all train images.

With w_s images in the ball of radius r_s around s, and B(x, eps) inside B(s, eps + r_s) for each of them,

    1/N sum_x max_{|d| <= eps} loss(f(x + d), y)  <=  1/N sum_s w_s max_{|d| <= eps + r_s} loss(f(s + d), y_s)

for every model, as long as balls and attack share the norm. The inner maxima are the caller's: where they are exact
(linear models) the inequality is a certificate; where PGD approximates them from below, both sides are estimates.

Source: Chen & Selvan, arXiv:2402.05675, section 3, with a radius and a weight for every centre.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.types import CondensedSet


@dataclass(frozen=True, kw_only=True)
class LossBound:
    """Both sides of the inequality.

    eps       attack radius
    left      mean worst-case loss over the train images
    right     weighted mean worst-case loss over the centres at eps + ball radius
    estimate  whether the inner maxima are only lower estimates, so that neither side is certain
    """

    eps: float
    left: float
    right: float
    estimate: bool

    @property
    def holds(self) -> bool:
        """Whether left <= right, as it must with exact maxima (1e-9 for rounding)."""
        return self.left <= self.right + 1e-9 * max(1.0, abs(self.right))


def radii(condensed: CondensedSet, eps: float, fraction: float = 1.0) -> np.ndarray:
    """How far each centre is attacked on the right side: eps + fraction * its ball radius, (m,) float64.

    fraction  1 gives the bound; less is a radius policy without a guarantee, 0 the plain adversarial loss
    raises    ConfigError when the set carries no balls or eps is negative
    """
    if condensed.ball_radius is None:
        raise ConfigError(
            f"the bound needs a cover with radii and weights, got {condensed.method}; use mfc or k_center"
        )
    if not eps >= 0:
        raise ConfigError(f"eps must be zero or positive, got {eps}")
    reach: np.ndarray = eps + fraction * condensed.ball_radius
    return reach


def weighted(losses: np.ndarray, weights: np.ndarray) -> float:
    """The mean loss of centres that stand for `weights` train images each; both (m,)."""
    return float(losses @ weights / weights.sum())


def compare(images: np.ndarray, centres: np.ndarray, weights: np.ndarray, *, eps: float, estimate: bool) -> LossBound:
    """Both sides of the inequality from the worst losses that one maximiser met.

    images    (n,) of every train image within eps
    centres   (m,) of every centre within its `radii`
    weights   (m,) train images in the ball of each centre, n in all
    estimate  say True unless the losses are exact maxima
    """
    assert weights.sum() == len(images), "the weights must count the very images of the left side"
    losses = images.astype(np.float64), centres.astype(np.float64)
    return LossBound(eps=eps, estimate=estimate, left=float(losses[0].mean()), right=weighted(losses[1], weights))
