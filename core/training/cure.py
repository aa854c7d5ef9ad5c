"""CURE: standard training with a penalty on how fast the gradient turns on the way up the loss. No attack is made.

Each image adds curvature * |grad l(x + z) - grad l(x)|_2, gradients with respect to the image, where z is a step of
length `reach` along grad l(x), taken in eval mode and held fixed. A loss that is nearly linear that far rises little
under an attack of that length. Sources: Moosavi-Dezfooli et al. 2019, arXiv:1811.09716; in the unsquared form and along
the plain gradient as in GUARD, Xue et al. 2025, arXiv:2403.10045. Lengths here are L2 in pixels of [0, 1]; theirs are
of normalised images. x + z is not clipped to the box, as there. The two defaults are ours, chosen on held-out train
images of MNIST.
Cost: about three standard passes per image and epoch, and one through the gradients.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.attacks import untouched
from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.options import Cure as Config
from core.types import CondensedSet, TrainedModel, TrainSplit

TINY = 1e-12  # keeps the length of a zero vector differentiable


def train(
    condensed: CondensedSet,
    network: Classifier,
    config: Config,
    *,
    validation: TrainSplit | None,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[dict[str, TrainedModel]]:
    """Minimise loss(x) + curvature |grad(x + z) - grad(x)|; see core.training.loop.run. Accuracy counts images as they
    are."""
    loss = loop.train_loss(config)

    def slope(network, x, targets, *, keep):
        """Losses (b,), logits (b, C) and the gradient of each loss in its image, like x; `keep` to differentiate it."""
        x = x.detach().requires_grad_()
        logits = network(x)
        losses = loss(logits, targets)
        (gradient,) = torch.autograd.grad(losses.sum(), x, create_graph=keep)
        return losses, logits, gradient

    def step(network, batch, generator):
        with untouched(network):
            _, _, uphill = slope(network, batch.x, batch.targets, keep=False)
        yield
        losses, logits, here = slope(network, batch.x, batch.targets, keep=True)
        z = config.reach * uphill / lengths(uphill).view(-1, 1, 1, 1)
        _, _, there = slope(network, batch.x + z, batch.targets, keep=True)
        return losses + config.curvature * lengths(there - here), logits

    def recipe(samples):
        return loop.Recipe(step=step, attacked=False)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )


def lengths(x: Tensor) -> Tensor:
    """(b, ...) -> (b,) L2 norms."""
    return (x.flatten(1).square().sum(1) + TINY).sqrt()
