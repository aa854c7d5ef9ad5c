"""Warm-start adversarial training: each image keeps its perturbation, and a visit adds only one or two steps.

A condensed image is seen hundreds of times, so the attack can go on where it ended instead of starting anew: the
inner maximum is tracked at a fraction of the cost of PGD. Perturbations are projected on the current radius, so
warm-up works; now and then an image starts again at random, so that the attack does not settle in one corner.
Source: Zheng et al. 2020, arXiv:1912.11969 (ATTA), without its augmentation.
Cost: attack_steps + 1 times standard training, with attack_steps 1 or 2.
"""

from collections.abc import Mapping

import numpy as np
import torch

from core.attacks.projections import per_image, random_start
from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.attacking import attacked
from core.training.options import WarmStart as Config
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

    def recipe(samples):
        # perturbations in units of each image's radius, so that they grow with it during warm-up
        memory = {"delta": torch.zeros_like(samples.x), "begun": torch.zeros(len(samples), device=samples.x.device)}

        def step(network, batch, generator):
            again = torch.rand(len(batch), generator=generator).to(batch.x) < config.restart_share
            fresh = random_start(batch.x, config.norm, batch.eps, generator) - batch.x
            again |= memory["begun"][batch.rows] == 0
            kept = memory["delta"][batch.rows] * per_image(batch.eps, batch.x)
            start = torch.where(per_image(again, batch.x), fresh, kept)
            size = config.step_size * batch.eps / config.eps if config.step_size else batch.eps / 2
            x = yield from attacked(network, batch, config, config.attack_steps, generator, start=start, step_size=size)
            memory["delta"][batch.rows] = (x - batch.x) / per_image(batch.eps.clamp_min(1e-12), batch.x)
            memory["begun"][batch.rows] = 1
            logits = network(x)
            return loss(logits, batch.targets), logits

        return loop.Recipe(step=step, attacked=True, memory=memory)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )
