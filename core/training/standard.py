"""Standard training: minimise the loss of the condensed images as they are.

Hard labels or the learned soft labels of the set; cross-entropy, or squared distance to centred labels as in
kernel regression. Cost: one forward and one backward pass per image and epoch.
"""

from collections.abc import Mapping

import numpy as np

from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.options import Standard as Config
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
    """Minimise the weighted mean loss; see core.training.loop.run for what is yielded and returned."""
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
