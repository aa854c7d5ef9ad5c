"""Train a finite network so that, as it grows wide, it becomes kernel regression with its tangent kernel.

Three things separate training in practice from that limit, and each is undone here: the function a network starts
with is subtracted, images are centred as the kernel sees them, and all images are stepped on at once at a constant
rate below the inverse of the sharpest curvature, so that gradient descent follows the flow. What is left is the width.
Source: Jacot et al. 2018, arXiv:1806.07572; Lee et al. 2019, arXiv:1902.06720; Chizat et al. 2019, arXiv:1812.07956.
Cost: one forward and one backward pass of all images a step; two networks instead of one in every later prediction.
"""

import copy
from collections.abc import Callable, Generator
from math import isfinite

import torch
from torch import Tensor, nn

from core.errors import NumericsError
from core.events import through

MOMENTUM = 0.9  # of Nesterov: stable up to a rate of 1.36 times the inverse of the sharpest curvature
ROUNDS = 12  # of the power iteration, which approaches the largest eigenvalue from below


class FromZero(nn.Module):
    """g(x - mean) - g_0(x - mean) with g_0 the network as it came: zero everywhere before training.

    network  (n, c, h, w) -> (n, C), without a normalisation of its own; trained in place
    mean     (c, h, w) or broadcastable, pixels
    spec     what the network says about itself, handed on by whoever made it
    """

    mean: Tensor
    spec: object
    full_precision = True  # attacks take no gradients in bfloat16: a difference of two nearly equal networks

    def __init__(self, network: nn.Module, mean: Tensor) -> None:
        super().__init__()
        self.network, self.start = network, copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("mean", mean)

    def forward(self, images: Tensor) -> Tensor:
        """(n, c, h, w) pixels in [0, 1] -> (n, C) logits."""
        x = images - self.mean
        moved: Tensor = self.network(x) - self.start(x)
        return moved


def sharpness(model: nn.Module, x: Tensor, generator: torch.Generator) -> Generator[None, None, float]:
    """Largest eigenvalue of the empirical tangent kernel J J' over images and classes, by power iteration.

    x       (n, c, h, w), on the device of the model
    yields  None after each round
    """
    weights = [value for value in model.parameters() if value.requires_grad]
    out = model(x)
    vector, value = torch.randn(out.shape, generator=generator).to(out), 0.0
    for _ in range(ROUNDS):
        vector = (vector / vector.norm()).requires_grad_()
        pulled = torch.autograd.grad(out, weights, vector, create_graph=True)  # J'v, linear in v: differentiated for J
        turned = torch.autograd.grad(pulled, vector, [one.detach() for one in pulled])[0]
        value, vector = float((vector.detach() * turned).sum()), turned
        yield
    return value


def descend(
    model: nn.Module,
    x: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    curvature: float,
    steps: int,
    generator: torch.Generator,
) -> Generator[tuple[int, float], None, float]:
    """Minimise the mean loss in place: full batches, constant rate 1 / (curvature * sharpness / n), Nesterov momentum.

    targets    (n,) classes or (n, C), as `loss` takes them; loss gives (n,)
    curvature  largest second derivative of the loss in the logits: 2 for squared error, 1/2 for cross-entropy
    yields     steps done, and the mean loss before the last of them
    returns    the mean loss at the end
    raises     NumericsError when the loss is not finite
    """
    top = yield from _quietly(sharpness(model, x, generator))
    weights = [value for value in model.parameters() if value.requires_grad]
    rate = len(x) / (curvature * max(top, 1e-12))
    optimizer = torch.optim.SGD(weights, lr=rate, momentum=MOMENTUM, nesterov=True)
    for step in range(steps):
        value = loss(model(x), targets).mean()
        found = float(value.detach())
        if not isfinite(found):
            raise NumericsError(
                f"the loss after {step} steps of gradient descent is not a finite number at rate {rate:.3g}, the "
                f"inverse of the sharpest curvature: the network is far from its limit, take a larger width"
            )
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        yield step + 1, found
    with torch.no_grad():
        return float(loss(model(x), targets).mean())


def _quietly(work: Generator[None, None, float]) -> Generator[tuple[int, float], None, float]:
    """The rounds before the first step as signs of life: no step is done yet."""
    return (yield from through(work, lambda _: (0, float("nan"))))
