"""Linear models on real digits, and their exact robust accuracy with the box: a continuous knapsack for each class."""

from functools import lru_cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn


@lru_cache
def linear(n_classes: int, images: int = 200) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Logistic regression of the digits, even against odd for two classes; images with many pixels that are 0 or 1."""
    x, y = load_digits(return_X_y=True)
    x, y = np.clip(x / 16 * 1.3, 0, 1), y % n_classes
    fit = LogisticRegression(C=0.05, max_iter=500).fit(x[images:], y[images:])
    rows = fit.coef_ if n_classes > 2 else np.concatenate([-fit.coef_, fit.coef_])
    layer = nn.Linear(64, n_classes).requires_grad_(False)
    layer.weight.copy_(torch.tensor(rows))
    layer.bias.copy_(torch.tensor(fit.intercept_ if n_classes > 2 else [-fit.intercept_[0], fit.intercept_[0]]))
    model = nn.Sequential(nn.Flatten(), layer)
    return model, torch.tensor(x[:images], dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(y[:images])


def gain(w: np.ndarray, room: np.ndarray, norm: str, eps: float) -> float:
    """The largest w . d over |d| <= eps and 0 <= d <= room, w >= 0."""
    if norm == "Linf":
        return float(w @ np.minimum(room, eps))
    if norm == "L1":
        order = np.argsort(-w)
        before = np.cumsum(room[order]) - room[order]
        return float(w[order] @ np.clip(eps - before, 0, room[order]))
    low, high = 0.0, 1e6
    for _ in range(200):
        rate = (low + high) / 2
        low, high = (rate, high) if np.linalg.norm(np.minimum(rate * w, room)) <= eps else (low, rate)
    return float(w @ np.minimum(low * w, room))


def exact(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, norm: str, eps: float) -> np.ndarray:
    """(n,) bool: right, and no point within eps and the box is wrong."""
    layer = model[1]
    assert isinstance(layer, nn.Linear)
    weight, bias = layer.weight.double().numpy(), layer.bias.double().numpy()
    standing = np.ones(len(x), bool)
    for i, (image, right) in enumerate(zip(x.flatten(1).double().numpy(), y.tolist(), strict=True)):
        for other in set(range(len(weight))) - {right}:
            g = weight[other] - weight[right]
            reached = gain(np.abs(g), np.where(g > 0, 1 - image, image), norm, eps)
            standing[i] &= g @ image + bias[other] - bias[right] + reached < 0
    return standing
