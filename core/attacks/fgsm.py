"""Fast gradient sign method: one step of length eps from the clean image.

Source: Goodfellow et al. 2015, arXiv:1412.6572. Cost: one gradient. In L2 and L1 the step goes along
that norm's steepest direction.
"""

import torch
from torch import Tensor

from core.attacks.losses import Loss
from core.attacks.pgd import Logits, pgd
from core.types import Norm


def fgsm(
    logits: Logits,
    x: Tensor,
    y: Tensor,
    *,
    norm: Norm,
    eps: float | Tensor,
    loss: str | Loss = "ce",
    targets: Tensor | None = None,
) -> Tensor:
    """Move every image by one step of length eps; arguments and result as in `pgd`."""
    return pgd(
        logits, x, y, norm=norm, eps=eps, steps=1, step_size=torch.as_tensor(eps), random_start=False,
        loss=loss, targets=targets, keep="last",
    )  # fmt: skip
