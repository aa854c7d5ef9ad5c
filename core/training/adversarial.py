"""Adversarial training: minimise the loss of the worst image that PGD finds within each image's radius.

On a cover with policy "eps + radius" and `weighted` this trains the generalised adversarial loss as written in
Chen & Selvan, arXiv:2402.05675. PGD finds less than the true maximum, so the loss estimates the bound from below.
Source: Madry et al. 2018, arXiv:1706.06083, eq. 2.1. Cost: attack_steps + 1 times standard training.
"""

from collections.abc import Mapping

import numpy as np

from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.attacking import attacked
from core.training.options import Adversarial as Config
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
    """Minimise the weighted mean of the attacked losses; see core.training.loop.run."""
    loss = loop.train_loss(config)

    def step(network, batch, generator):
        x = yield from attacked(network, batch, config, config.attack_steps, generator)
        logits = network(x)
        return loss(logits, batch.targets), logits

    def recipe(samples):
        return loop.Recipe(step=step, attacked=True)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )
