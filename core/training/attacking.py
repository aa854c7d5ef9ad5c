"""The inner maximum of adversarial training: PGD on one batch, each image within its own radius."""

from collections.abc import Callable, Generator

import torch
from torch import Tensor, nn

from core.attacks import pgd_steps
from core.events import through
from core.training.objective import Samples
from core.training.options import AttackOptions


def attacked(
    network: nn.Module,
    batch: Samples,
    config: AttackOptions,
    attack_steps: int,
    generator: torch.Generator,
    *,
    start: Tensor | None = None,
    step_size: Tensor | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    targets: Tensor | None = None,
) -> Generator[None, None, Tensor]:
    """PGD with random start, last iterate kept, the network in eval mode; pauses after each gradient.

    start      (b, c, h, w) perturbation to begin from instead of a random one
    step_size  (b,) instead of config's. That one belongs to radius eps; larger or still growing radii take
               proportionally larger or smaller steps, and 0 means 2.5 eps / attack_steps
    loss, targets  what to maximise, (logits, targets) -> (b,), instead of the training loss
    returns    (b, c, h, w) within batch.eps of batch.x and within [0, 1]
    """
    if step_size is None and config.step_size:
        step_size = config.step_size * batch.eps / config.eps
    steps = pgd_steps(
        network, batch.x, batch.targets if targets is None else targets, norm=config.norm, eps=batch.eps,
        steps=attack_steps, step_size=step_size, start=start, generator=generator, loss=loss or config.loss,
        keep="last",
    )  # fmt: skip
    return (yield from silent(steps))


def silent(steps: Generator[object, None, Tensor]) -> Generator[None, None, Tensor]:
    """An attack whose steps say nothing but that time has passed; returns its images."""
    return (yield from through(steps, lambda _: None))
