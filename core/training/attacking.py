"""The inner maximum of adversarial training: PGD on one batch, each image within its own radius."""

from collections.abc import Generator

import torch
from torch import Tensor, nn

from core.attacks import pgd_steps
from core.training.config import AttackOptions
from core.training.objective import Samples


def attacked(
    network: nn.Module,
    batch: Samples,
    config: AttackOptions,
    generator: torch.Generator,
    *,
    start: Tensor | None = None,
) -> Generator[None, None, Tensor]:
    """PGD with random start, last iterate kept, the network in eval mode; pauses after each gradient.

    start    (b, c, h, w) perturbation to begin from instead of a random one
    returns  (b, c, h, w) within batch.eps of batch.x and within [0, 1]
    """
    # a step belongs to radius eps; larger or warming radii take proportionally larger or smaller ones
    step_size = config.step_size * batch.eps / config.eps if config.step_size else None
    steps = pgd_steps(
        network, batch.x, batch.targets, norm=config.norm, eps=batch.eps, steps=config.attack_steps,
        step_size=step_size, start=start, generator=generator, loss=config.loss, keep="last",
    )  # fmt: skip
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield
