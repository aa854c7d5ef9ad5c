"""Kernel ridge regression on a support set, as a model that attacks can take like any network.

f(x) = K(x - mu, X_s - mu) (K_ss + ridge tr(K_ss)/m I)^-1 y_s with mu the mean train image. Images come and are
attacked in [0, 1]; centring happens inside. Fitted in float64; queries in the dtype of the images.
Source: Nguyen et al. 2021, arXiv:2011.00050.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import ConfigError
from core.kernels.kernel import Kernel
from core.kernels.solve import refuse_supports, solve
from core.types import CondensedSet, TrainSplit, only_train

CHUNK = 4096  # images turned to float at a time


class KernelRegressor(nn.Module):
    """A fitted regressor: (n, c, h, w) in [0, 1] -> (n, C) logits, differentiable in the images.

    jitter     relative diagonal that the factorisation needed beyond the ridge; 0 when none
    alpha_max  largest |alpha|: how strongly single support images are weighed
    contrast   mean |x_s - mu|^2 of the support
    """

    support: Tensor
    alpha: Tensor
    mean: Tensor
    full_precision = True  # attacks take no gradients in bfloat16: |alpha| is many times larger than the answers

    def __init__(self, kernel: Kernel, support: Tensor, alpha: Tensor, mean: Tensor, jitter: float) -> None:
        super().__init__()
        self.kernel, self.jitter = kernel, jitter
        self.register_buffer("support", support)
        self.register_buffer("alpha", alpha)
        self.register_buffer("mean", mean)
        self.alpha_max = float(alpha.abs().max())
        self.contrast = float(support.square().flatten(1).sum(1).mean())

    @classmethod
    def fit(cls, kernel: Kernel, x_s: Tensor, y_s: Tensor, *, mean: Tensor, ridge: float = 1e-6) -> "KernelRegressor":
        """Fit on support images.

        x_s    (m, c, h, w) float, pixels
        y_s    (m, C) float targets, usually `centred(labels, C)`
        mean   (c, h, w) or broadcastable, pixels: `mean_image` of the real train split
        ridge  relative to the mean diagonal of the kernel
        raises  ResourceError above 5,000 images, NumericsError when the matrix cannot be factored
        """
        if not len(x_s) or len(x_s) != len(y_s) or y_s.ndim != 2:
            raise ConfigError(f"support and targets must agree, got {tuple(x_s.shape)} and {tuple(y_s.shape)}")
        refuse_supports(len(x_s))
        with torch.no_grad():
            exact = precise(x_s)
            centre = mean.to(exact)
            solution = solve(kernel(exact - centre), y_s.to(exact), ridge)
            support = (exact - centre).to(device=x_s.device, dtype=x_s.dtype)
            alpha, mean = solution.alpha.to(x_s), mean.to(x_s)
        return cls(kernel, support, alpha, mean, solution.jitter)

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) pixels in [0, 1] -> (n, C)."""
        return self.kernel(images - self.mean.to(images), self.support.to(images)) @ self.alpha.to(images)


def fit_condensed(
    condensed: CondensedSet, kernel: Kernel, mean: np.ndarray, *, ridge: float = 1e-6, device: str
) -> KernelRegressor:
    """Fit on a condensed set of any method, with its learned labels where it has some.

    mean  (c, h, w) `mean_image` of the real train split that the set was made from
    """
    labels = torch.tensor(condensed.y)
    targets = (
        centred(labels, condensed.n_classes)
        if condensed.soft_labels is None
        else torch.tensor(condensed.soft_labels).double()
    )
    support = torch.tensor(condensed.x)
    fitted = KernelRegressor.fit(kernel, support, targets, mean=torch.tensor(mean), ridge=ridge)
    return fitted.to(device)


def centred(y: Tensor, n_classes: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """(m,) int64 -> (m, C) one-hot minus 1/C."""
    return F.one_hot(y, n_classes).to(dtype) - 1 / n_classes


def mean_image(train: TrainSplit) -> np.ndarray:
    """(c, h, w) float32 mean of all train images in [0, 1], summed in float64."""
    only_train(train)
    total = np.zeros(train.shape)
    for start in range(0, len(train), CHUNK):
        total += train.pixels(slice(start, start + CHUNK)).sum(0, dtype=np.float64)
    return (total / len(train)).astype(np.float32)


def precise(x: Tensor) -> Tensor:
    """x in float64, where the device has it; otherwise on the CPU."""
    return x.cpu().double() if x.device.type == "mps" else x.double()
