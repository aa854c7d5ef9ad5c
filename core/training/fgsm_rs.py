"""Single-step adversarial training, with its known collapse watched for and told.

One step of size 1.25 eps from a random start. Often the network learns to defeat exactly this step and nothing
else ("catastrophic overfitting"): accuracy under FGSM stays high while PGD takes everything. So a tenth of the
epochs compare both on training images, and a note says when they part. On condensed sets prefer warm start.
Source: Wong, Rice & Kolter 2020, arXiv:2001.03994. Cost: twice standard training.
"""

from collections.abc import Mapping

import numpy as np
import torch

from core.attacks import pgd_steps, untouched
from core.events import Work
from core.networks.classifier import Classifier
from core.training import loop
from core.training.attacking import attacked, silent
from core.training.options import FGSMRS as Config
from core.types import CondensedSet, TrainedModel, TrainSplit, stream

CHECKS = 10  # times the comparison is made in a training
CHECKED = 128  # training images compared
PGD_STEPS = 10
GAP = 0.2  # single-step accuracy above PGD accuracy by this much is a collapse


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
    """Minimise the loss after one step from a random start; see core.training.loop.run."""
    loss = loop.train_loss(config)

    def one_step(network, batch, generator):
        size = config.step_size * batch.eps / config.eps if config.step_size else 1.25 * batch.eps
        return (yield from attacked(network, batch, config, 1, generator, step_size=size))

    def step(network, batch, generator):
        x = yield from one_step(network, batch, generator)
        logits = network(x)
        return loss(logits, batch.targets), logits

    def inspect(network, samples, epoch):
        if epoch % max(1, config.epochs // CHECKS):
            return ""
        generator = torch.Generator().manual_seed(stream(seed, "collapse", epoch))
        rows = torch.arange(min(len(samples), CHECKED), device=samples.x.device)
        batch = samples.batch(rows, 1.0)
        weak = yield from one_step(network, batch, generator)
        strong = yield from silent(
            pgd_steps(network, batch.x, batch.y, norm=config.norm, eps=batch.eps, steps=PGD_STEPS, generator=generator)
        )
        with untouched(network), torch.no_grad():
            single, pgd = (float((network(x).argmax(1) == batch.y).float().mean()) for x in (weak, strong))
        return collapse_note(single, pgd, len(rows))

    def recipe(samples):
        return loop.Recipe(step=step, attacked=True, inspect=inspect)

    return (
        yield from loop.run(
            condensed, network, config, recipe, validation=validation, seed=seed, device=device, checkpoint=checkpoint
        )
    )


def collapse_note(single: float, pgd: float, images: int) -> str:
    """A warning when single-step accuracy stands far above PGD's on the same training images, else ""."""
    if single - pgd <= GAP:
        return ""
    return (
        f"catastrophic overfitting: on {images} training images accuracy is {single:.0%} under one step and {pgd:.0%} "
        f"under PGD-{PGD_STEPS}; this model is not robust, train with warm start instead"
    )
