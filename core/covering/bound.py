"""The generalised adversarial loss: an upper bound, through a cover, of the adversarial loss on all train images.

With w_s images in the ball of radius r_s around s, and B(x, eps) inside B(s, eps + r_s) for each of them,

    1/N sum_x max_{|d| <= eps} loss(f(x + d), y)  <=  1/N sum_s w_s max_{|d| <= eps + r_s} loss(f(s + d), y_s)

for every model, as long as balls and attack share the norm. The inner maximum is the caller's: where it is exact
(linear models) the inequality is a certificate; where PGD approximates it from below, both sides are estimates.

Source: Chen & Selvan, arXiv:2402.05675, section 3, with a radius and a weight for every centre.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.types import CondensedSet, TrainSplit

# (x (n, c, h, w) float32, y (n,) int64, eps (n,) float64) -> (n,) the largest loss within eps of each image
WorstLoss = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
BATCH = 1_000


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


def generalised_loss(condensed: CondensedSet, eps: float, worst_loss: WorstLoss, fraction: float = 1.0) -> float:
    """The right side: each centre attacked within eps + fraction * its ball radius, weighted by its images.

    fraction  1 is the bound; less is a radius policy without a guarantee, 0 the plain adversarial loss
    raises    ConfigError when the set carries no cover or eps is negative
    """
    if condensed.ball_radius is None or condensed.weights is None:
        raise ConfigError(
            f"the bound needs a cover with radii and weights, got {condensed.method}; use mfc or k_center"
        )
    if not eps >= 0:
        raise ConfigError(f"eps must be zero or positive, got {eps}")
    radii = eps + fraction * condensed.ball_radius
    losses = _batched(worst_loss, condensed.x, condensed.y, radii)
    return float(losses @ condensed.weights / condensed.weights.sum())


def adversarial_loss(train: TrainSplit, eps: float, worst_loss: WorstLoss) -> float:
    """The left side: mean worst-case loss over the train images."""
    total = 0.0
    for first in range(0, len(train), BATCH):
        rows = slice(first, first + BATCH)
        y = train.y[rows]
        total += float(np.asarray(worst_loss(train.pixels(rows), y, np.full(len(y), eps)), np.float64).sum())
    return total / len(train)


def compare(
    train: TrainSplit, condensed: CondensedSet, eps: float, worst_loss: WorstLoss, *, estimate: bool
) -> LossBound:
    """Evaluate both sides of the inequality with the same inner maximiser.

    estimate  say True unless `worst_loss` is an exact maximum
    """
    return LossBound(
        eps=eps, estimate=estimate,
        left=adversarial_loss(train, eps, worst_loss), right=generalised_loss(condensed, eps, worst_loss),
    )  # fmt: skip


def _batched(worst_loss: WorstLoss, x: np.ndarray, y: np.ndarray, eps: np.ndarray) -> np.ndarray:
    parts = [slice(first, first + BATCH) for first in range(0, len(x), BATCH)]
    return np.concatenate([np.asarray(worst_loss(x[p], y[p], eps[p]), np.float64) for p in parts])
