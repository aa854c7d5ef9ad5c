"""Randomised smoothing: an L2 radius that holds with probability 1 - alpha, for any classifier.

The smoothed classifier says the class that f answers most often at x + N(0, sigma^2 I). n0 noisy copies guess that
class A; n more count its k hits, and p = BetaInv(alpha, k, n - k + 1) (Clopper & Pearson 1934) bounds its share from
below. Where p > 1/2 no move shorter than sigma Phi^-1(p) in L2 changes the answer; else the certificate abstains. The
largest
radius that n copies can certify is sigma Phi^-1(alpha^(1/n)).
Source: Cohen, Rosenfeld & Kolter 2019, arXiv:1902.02918, algorithm "Certify" and theorem 1.
Cost: n0 + n forward passes for each image.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import beta, norm
from torch import Tensor

from core.errors import ConfigError

BATCH = 500  # noisy copies at once


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """sigma of the noise, copies that guess and that count, and the probability that a radius is wrong."""

    sigma: float = 0.25
    n0: int = 100
    n: int = 1_000
    alpha: float = 0.001

    def __post_init__(self) -> None:
        if not (self.sigma > 0 and self.n0 >= 1 and self.n >= 1 and 0 < self.alpha < 1):
            raise ConfigError(f"smoothing needs sigma > 0, n0 and n of at least 1 and alpha in (0, 1), got {self}")

    def sentence(self) -> str:
        """As it stands beside every number."""
        return f"randomised smoothing, σ {self.sigma:g}, n {self.n:,}, α {self.alpha:g}"


def lower_limit(hits: int, n: int, alpha: float) -> float:
    """The share that is passed with probability 1 - alpha, given so many hits in n."""
    return 0.0 if hits == 0 else float(beta.ppf(alpha, hits, n - hits + 1))


def radius_of(hits: int, how: Smoothing) -> float:
    """The certified L2 radius, 0 where the certificate abstains."""
    p = lower_limit(hits, how.n, how.alpha)
    return how.sigma * float(norm.ppf(p)) if p > 0.5 else 0.0


def certify(
    logits: Callable[[Tensor], Tensor], image: Tensor, how: Smoothing, seed: int
) -> Generator[int, None, tuple[int, float]]:
    """The class of the smoothed classifier at one image (c, h, w) and its certified radius, 0 where it abstains.

    seed     of the noise, which is drawn on the CPU whatever the device
    yields   how many copies were judged since the last time
    """
    source = torch.Generator().manual_seed(seed)
    guesses = yield from _votes(logits, image, how.n0, how.sigma, source)
    guess = int(guesses.argmax())
    counted = yield from _votes(logits, image, how.n, how.sigma, source)
    return guess, radius_of(int(counted[guess]), how)


def _votes(
    logits: Callable[[Tensor], Tensor], image: Tensor, copies: int, sigma: float, source: torch.Generator
) -> Generator[int, None, np.ndarray]:
    """(C,) how many noisy copies each class gets."""
    total: np.ndarray | None = None
    for first in range(0, copies, BATCH):
        size = min(BATCH, copies - first)
        noise = torch.randn(size, *image.shape, generator=source).to(image)
        with torch.no_grad():
            out = logits(image[None] + sigma * noise)
        votes = np.bincount(out.argmax(1).cpu().numpy(), minlength=out.shape[1])
        total = votes if total is None else total + votes
        yield size
    assert total is not None
    return total
