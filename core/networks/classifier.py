"""The frame every network shares: normalisation, body, linear head; and its seeded initial weights.

Normalisation is the first layer of the model and never a property of the data, so that an attack's
eps always means pixels in [0, 1]. Cost: one subtraction and one division per pixel.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.types import stream


class Normalise(nn.Module):
    """(x - mean) / std per channel; mean and std are buffers, so they travel with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32, device="cpu").view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32, device="cpu").view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """What a built network says about itself: enough to build it again."""

    network: str
    options: Mapping[str, object]
    shape: tuple[int, int, int]
    n_classes: int


class Classifier(nn.Module):
    """Logits of images in [0, 1].

    normalise  first layer
    body       normalised images -> (n, d) features
    head       features -> (n, C) logits
    spec       set by core.networks.model.build
    """

    spec: NetworkSpec

    def __init__(self, mean: Sequence[float], std: Sequence[float], body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.normalise = Normalise(mean, std)
        self.body = body
        self.head = head

    def features(self, x: Tensor) -> Tensor:
        """(n, c, h, w) images in [0, 1] -> (n, d) penultimate features."""
        found: Tensor = self.body(self.normalise(x))
        return found

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class NTKLinear(nn.Module):
    """A linear layer in NTK parametrisation: weights start as N(0, 1), the map is sqrt(2 / fan_in) W x + bias_std b.

    source  Jacot et al. 2018, arXiv:1806.07572, with weight variance 2
    """

    def __init__(self, fan_in: int, fan_out: int, bias_std: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fan_out, fan_in))
        self.bias = nn.Parameter(torch.empty(fan_out)) if bias_std else None
        self.bias_std = bias_std

    def forward(self, x: Tensor) -> Tensor:
        out = nn.functional.linear(x, self.weight) * math.sqrt(2 / self.weight.shape[1])
        return out if self.bias is None else out + self.bias_std * self.bias


def initialise(body_and_head: Sequence[nn.Module], *, seed: int) -> None:
    """Draw all weights in place from one generator of our own; the global random state is not touched.

    Convolutions and linear layers get PyTorch's default, U(-b, b) with b = 1 / sqrt(fan_in), for weight
    and bias; NTK layers N(0, 1); norm layers start as the identity. Layers are visited in their order of
    definition, so the first layers of two networks that share them start alike.
    """
    generator = torch.Generator().manual_seed(stream(seed, "weights"))
    for module in (m for part in body_and_head for m in part.modules()):
        parameters = [p for p in (getattr(module, "weight", None), getattr(module, "bias", None)) if p is not None]
        with torch.no_grad():
            if isinstance(module, nn.Conv2d | nn.Linear):
                bound = 1 / math.sqrt(module.weight[0].numel())
                for parameter in parameters:
                    parameter.uniform_(-bound, bound, generator=generator)
            elif isinstance(module, NTKLinear):
                for parameter in parameters:
                    parameter.normal_(generator=generator)
            elif isinstance(module, nn.GroupNorm | nn.BatchNorm2d):
                module.reset_parameters()  # ones and zeros, nothing random
            elif parameters:
                raise TypeError(f"nothing says how the weights of a {type(module).__name__} begin: add it here")


def assemble(
    make: Callable[[], tuple[nn.Module, nn.Module]], mean: Sequence[float], std: Sequence[float], *, seed: int
) -> Classifier:
    """Build a classifier from `make() -> (body, head)` on the CPU with seeded weights.

    Layers are made without storage first: PyTorch would fill them from the global random state otherwise.
    """
    with torch.device("meta"):
        body, head = make()
    for part in (body, head):
        part.to_empty(device="cpu")
    initialise((body, head), seed=seed)
    return Classifier(mean, std, body, head)
