"""Training for interval bounds: the loss of the worst logits that the box around each image allows, proven.

The loss is (1 - s) CE(f(x), y) + s CE(z, y), where z are upper bounds of all margins over the box, see
core.attacks.bounds; the box grows to eps and s to `share` together. What such a network keeps at eps can be proven
without any attack; what can be proven of another network by intervals is usually nothing.
Source: Gowal et al. 2018, arXiv:1810.12715. Cost: three forward passes and one backward pass per step.
"""

from collections.abc import Mapping

import numpy as np
from torch.nn.functional import cross_entropy

from core.attacks import worst_margins
from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.options import IBP as Config
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
    """Minimise the plain and the proven loss; see core.training.loop.run. Accuracy counts images as they are.

    raises  ConfigError for a network with a layer that intervals cannot pass
    """

    def step(network, batch, generator):
        logits = network(batch.x)
        plain = cross_entropy(logits, batch.targets, reduction="none")
        yield
        worst = worst_margins(network, batch.x, batch.y, batch.eps)
        grown = batch.eps / config.eps if config.eps else batch.eps
        share = config.share * grown
        return (1 - share) * plain + share * cross_entropy(worst, batch.y, reduction="none"), logits

    def recipe(samples):
        return loop.Recipe(step=step, attacked=False)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )
