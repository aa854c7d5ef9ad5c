"""What an attack maximises: one number per image, larger is worse for the model.

ce      cross-entropy; vanishes in float32 once the model is very sure
margin  largest wrong logit minus the right one; > 0 exactly when misclassified (Carlini & Wagner 2017)
dlr     the margin divided by the spread of the logits (Croce & Hein 2020, arXiv:2003.01690, eq. 6)
mse     squared distance to centred one-hot labels, the loss of kernel regression
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import ConfigError

Loss = Callable[[Tensor, Tensor], Tensor]


def hard_labels(y: Tensor) -> Tensor:
    """(n,) int64 classes of labels that are classes already, or (n, C) soft targets."""
    return y if y.ndim == 1 else y.argmax(1)


def ce(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy per image; y (n,) int64 or (n, C) probabilities."""
    return F.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """Largest wrong logit minus the right one, per image."""
    right = hard_labels(y)[:, None]
    return logits.scatter(1, right, -torch.inf).amax(1) - logits.gather(1, right)[:, 0]


def dlr(logits: Tensor, y: Tensor) -> Tensor:
    """Margin over the gap between the first and the third logit, per image; needs three classes."""
    if logits.shape[1] < 3:
        raise ConfigError(f"the DLR loss needs at least 3 classes, got {logits.shape[1]}: use loss='margin'")
    top = logits.topk(3, dim=1).values
    return margin(logits, y) / (top[:, 0] - top[:, 2] + 1e-12)


def mse(logits: Tensor, y: Tensor) -> Tensor:
    """Squared distance to the targets; classes stand for one-hot minus 1/C."""
    if y.ndim == 1:
        y = F.one_hot(y, logits.shape[1]).to(logits) - 1 / logits.shape[1]
    return (logits - y).square().sum(1)


LOSSES: dict[str, Loss] = {"ce": ce, "margin": margin, "dlr": dlr, "mse": mse}


def resolve(loss: str | Loss) -> Loss:
    """The function behind a name; a callable (logits, y) -> (n,) is returned as it is."""
    if callable(loss):
        return loss
    if loss not in LOSSES:
        raise ConfigError(f"loss must be one of {', '.join(LOSSES)} or a function, got {loss!r}")
    return LOSSES[loss]
