"""The nearest-neighbour classifier as a function that can be differentiated, for attacks made for networks.

The logit of a class is minus the squared distance to its nearest centre, in float64, with the largest logit moved to
0: that changes no verdict and no margin, and leaves float32 fine enough where two classes are nearly as near.
"""

import torch
from torch import Tensor, nn

from core.certificates.nearest import Centres

ABSENT = 1e6  # squared distance of a class without centres


class NearestCentre(nn.Module):
    """Images (n, ...) in [0, 1] -> logits (n, C) of the images' type; no parameters, so nothing to train."""

    x: Tensor
    y: Tensor

    def __init__(self, centres: Centres, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.register_buffer("x", torch.tensor(centres.x))
        self.register_buffer("y", torch.tensor(centres.y))

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1).double()
        away = x.square().sum(1, keepdim=True) + self.x.square().sum(1) - 2 * x @ self.x.T
        of_class = torch.full((len(x), self.n_classes), ABSENT, dtype=x.dtype, device=x.device)
        near = of_class.scatter_reduce(1, self.y.expand(len(x), -1), away, "amin")
        return (near.amin(1, keepdim=True) - near).to(images.dtype)
