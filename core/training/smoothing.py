"""Standard training on noisy images, for a network whose smoothed classifier can be certified in L2.

Each image gets fresh Gaussian noise at every visit; it is not clipped to [0, 1], as the noise of the certificate is not
(core.certificates.smoothing). Source: Cohen, Rosenfeld & Kolter 2019, arXiv:1902.02918, section 3.3.
Cost: that of standard training.
"""

from collections.abc import Mapping

import numpy as np
import torch

from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.options import Smoothing as Config
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
    """Minimise the weighted mean loss of noisy images; see core.training.loop.run. Accuracy counts noisy images."""
    loss = loop.train_loss(config)

    def step(network, batch, generator):
        noise = torch.randn(batch.x.shape, generator=generator).to(batch.x)
        logits = network(batch.x + config.sigma * noise)
        return loss(logits, batch.targets), logits
        yield

    def recipe(samples):
        return loop.Recipe(step=step, attacked=False)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )
