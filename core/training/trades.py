"""TRADES: loss of the clean image plus beta times how far the worst image nearby moves the prediction.

The inner attack maximises KL(p(x) || p(x')) instead of the loss, so it pulls on images that are wrong already too.
Radii and weights of covers work as in PGD training, but the bound of a cover is about the attacked loss, so
"eps + radius" with TRADES bounds nothing. Source: Zhang et al. 2019, arXiv:1901.08573, eq. 5 and algorithm 1.
Cost: attack_steps + 2 forward and backward passes per image and epoch.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn.functional import kl_div, log_softmax

from core.attacks import untouched
from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.attacking import attacked
from core.training.options import Trades as Config
from core.types import CondensedSet, TrainedModel, TrainSplit


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
    """Minimise loss(x) + beta KL(p(x) || p(x')); see core.training.loop.run. Accuracy counts attacked images."""
    loss = loop.train_loss(config)

    def divergence(logits, clean):
        """KL(p(clean) || p(logits)) per image."""
        return kl_div(log_softmax(logits, 1), log_softmax(clean, 1), reduction="none", log_target=True).sum(1)

    def step(network, batch, generator):
        with untouched(network), torch.no_grad():
            anchor = network(batch.x)
        x = yield from attacked(network, batch, config, config.attack_steps, generator, loss=divergence, targets=anchor)
        clean, moved = network(batch.x), network(x)
        return loss(clean, batch.targets) + config.beta * divergence(moved, clean), moved

    def recipe(samples):
        return loop.Recipe(step=step, attacked=True)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )
