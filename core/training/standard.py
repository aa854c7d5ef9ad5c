"""Standard training: minimise the loss of the condensed images as they are.

Hard labels or the learned soft labels of the set; cross-entropy, or squared distance to centred labels as in
kernel regression. Cost: one forward and one backward pass per image and epoch.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.events import Work
from core.training.config import TrainingOptions
from core.types import CondensedSet, TrainedModel, Trainer, TrainSplit

if TYPE_CHECKING:
    from torch import nn


class Config(TrainingOptions):
    """Standard training."""


def train(
    condensed: CondensedSet,
    network: "nn.Module",
    config: Config,
    *,
    validation: TrainSplit | None,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[dict[str, TrainedModel]]:
    """Minimise the weighted mean loss; see core.training.loop.run for what is yielded and returned."""
    from core.training import loop

    loss = loop.train_loss(config)

    def step(network, batch, generator):
        logits = network(batch.x)
        return loss(logits, batch.targets), logits
        yield

    def recipe(samples):
        return loop.Recipe(step=step, attacked=False)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )


TRAINER = Trainer(title="Standard", source="empirical risk minimisation", Config=Config, train=train)
