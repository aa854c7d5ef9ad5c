"""The condensed set as tensors: targets, weights and radii of the loss that is minimised.

The loss is sum_s w_s max_{|delta| <= eps_s} l(f(s + delta), y_s) / sum_s w_s: with the weights of a cover and
eps_s = eps + radius_s the generalised adversarial loss of Chen & Selvan, arXiv:2402.05675.
Images stay in [0, 1] under attack; so do all images within eps of the train images, so the bound holds.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.errors import ConfigError
from core.training.options import IBP, AttackOptions, TrainingOptions
from core.types import CondensedSet


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Condensed images, or a batch of them, ready for training.

    x        (m, c, h, w) float32 in [0, 1]
    y        (m,) int64
    targets  (m,) int64 like y, or (m, C) float32 soft labels
    weight   (m,) float32 with mean 1 over the whole set
    eps      (m,) float32 attack radii in pixels
    rows     (m,) int64 rows of the condensed set
    """

    x: Tensor
    y: Tensor
    targets: Tensor
    weight: Tensor
    eps: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: Tensor, growth: float) -> "Samples":
        """The images at `rows`, with radii at `growth` in 0..1 of their full size."""
        return Samples(
            x=self.x[rows],
            y=self.y[rows],
            targets=self.targets[rows],
            weight=self.weight[rows],
            eps=self.eps[rows] * growth,
            rows=rows,
        )


def prepare(condensed: CondensedSet, config: TrainingOptions, device: str) -> Samples:
    """Check that the condensed set has what the settings need, and move it to the device.

    raises  ConfigError when weights, radii or probabilities are asked for and not there
    """
    targets = condensed.y if condensed.soft_labels is None else _soft(condensed.soft_labels, condensed.method, config)

    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(array)).to(device)

    return Samples(
        x=tensor(condensed.x),
        y=tensor(condensed.y),
        targets=tensor(targets),
        weight=tensor(_weights(condensed, config).astype(np.float32)),
        eps=tensor(_radii(condensed, config).astype(np.float32)),
        rows=torch.arange(len(condensed), device=device),
    )


def _soft(soft: np.ndarray, method: str, config: TrainingOptions) -> np.ndarray:
    if config.loss == "ce" and (soft.min() < -1e-6 or np.abs(soft.sum(1) - 1).max() > 1e-3):
        raise ConfigError(
            f"cross-entropy needs soft labels that are probabilities; those of {method!r} lie between "
            f"{soft.min():.3g} and {soft.max():.3g} and sum to {soft.sum(1).mean():.3g} on average: choose loss mse"
        )
    return soft


def _weights(condensed: CondensedSet, config: TrainingOptions) -> np.ndarray:
    if not config.weighted:
        return np.ones(len(condensed))
    if condensed.weights is None:
        raise ConfigError(
            f"weighted training needs a set that knows how many train images each image stands for, such as a cover; "
            f"{condensed.method!r} has no weights: switch weighted off"
        )
    return condensed.weights / condensed.weights.mean()


def _radii(condensed: CondensedSet, config: TrainingOptions) -> np.ndarray:
    if not isinstance(config, AttackOptions):
        return np.full(len(condensed), config.eps if isinstance(config, IBP) else 0.0)
    if config.radius_policy == "eps":
        return np.full(len(condensed), config.eps)
    if condensed.ball_radius is None:
        raise ConfigError(
            f"radius policy {config.radius_policy!r} needs a cover with a radius for each image; {condensed.method!r} "
            f"has none: choose policy 'eps', or a covering method such as mfc"
        )
    if condensed.norm != config.norm:
        raise ConfigError(
            f"radius policy {config.radius_policy!r} needs attack and cover in the same norm, got attack {config.norm} "
            f"and cover {condensed.norm}: change one of them, or choose policy 'eps'"
        )
    share = 1.0 if config.radius_policy == "eps + radius" else config.fraction
    return config.eps + share * condensed.ball_radius
