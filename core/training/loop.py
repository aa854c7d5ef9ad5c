"""The loop every trainer shares: batches, weight steps, schedules, averaging, checkpoints, judgement.

A trainer brings a `Recipe`: how the loss of one batch is made. The loop never sees test data; "best" is
judged on the held-out train images that the caller gives. Progress comes at least once a second as long
as one gradient of one batch takes less.
"""

import copy
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, cos, pi
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.attacks import LOSSES
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, pulsing
from core.networks.augment import augment, draw, usual
from core.networks.classifier import Classifier
from core.networks.model import capture
from core.training import checkpoint as saved
from core.training.judge import Judge
from core.training.objective import Samples, prepare
from core.training.options import TrainingOptions
from core.types import CondensedSet, TrainedModel, TrainSplit, stream

CHECKPOINT_S = 20.0  # seconds between checkpoints
JUDGEMENTS = 10  # times "best" is judged in a training
DROPS = {"step": (0.5, 0.75), "half": (0.5,)}  # shares of the epochs after which the learning rate is a tenth

T = TypeVar("T")
Step = Generator[None, None, tuple[Tensor, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What makes a trainer.

    step      (network, batch, generator) -> generator that pauses with None after each gradient and returns the loss
              of each image (b,) with its graph, and the logits (b, C) it was taken from
    attacked  whether those logits are of attacked images, and "best" means accuracy under attack
    memory    tensors that the trainer keeps from epoch to epoch; stored in checkpoints
    inspect   (network, samples, epoch) -> generator like step that returns a sentence for the reader, or ""
    """

    step: Callable[[nn.Module, Samples, torch.Generator], Step]
    attacked: bool
    memory: Mapping[str, Tensor] = field(default_factory=dict)
    inspect: Callable[[nn.Module, Samples, int], Generator[None, None, str]] | None = None


def train_loss(config: TrainingOptions) -> Callable[[Tensor, Tensor], Tensor]:
    """(logits, targets) -> (b,), the same function that attacks maximise."""
    return LOSSES[config.loss]


def run(
    condensed: CondensedSet,
    network: Classifier,
    config: TrainingOptions,
    make_recipe: Callable[[Samples], Recipe],
    *,
    validation: TrainSplit | None,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[dict[str, TrainedModel]]:
    """Train a network in place on a condensed set.

    network     made by core.networks.model.build; moved to `device`
    validation  held-out part of the real train split; needed when keep is "best", untouched otherwise
    checkpoint  the `state` of an earlier Progress of the same call
    yields      Progress in epochs; `values` has loss, lr and train_acc (train_robust_acc when attacked, over attacked
                images), at judgements also val_acc or val_robust_acc; `model` is the network to evaluate
    returns     {"last": ..., "best": ...}; with keep "last" nothing is judged and both are the last
    raises      ConfigError when set and settings do not fit, NumericsError when the loss is not finite
    """
    if config.keep == "best" and not (validation is not None and len(validation)):
        raise ConfigError("keep 'best' needs held-out train images, got none: choose keep 'last', or train on fewer")
    samples = prepare(condensed, config, device)
    recipe = make_recipe(samples)
    judge = (
        Judge.make(validation, config, recipe.attacked, seed, device)
        if validation is not None and config.keep == "best"
        else None
    )
    network.to(device)
    networks = {"network": network} | ({"average": copy.deepcopy(network)} if config.average else {})
    result = networks.get("average", network)
    optimizer = _optimizer(network, config)
    epoch, score = 0, -1.0
    best: TrainedModel | None = None
    if checkpoint is not None:
        selection = judge.sentence if judge else ""
        epoch, best, score = saved.unpack(checkpoint, networks, optimizer, recipe.memory, selection)
    last_saved = time.monotonic()
    while epoch < config.epochs and not _out_of_patience(config, epoch, best):
        values = yield from _epoch(network, result, optimizer, samples, recipe, config, epoch, seed)
        epoch += 1
        if judge and epoch in _judged(config.epochs):
            reached = yield from _pulsing(
                judge.accuracy(result), epoch - 1, config.epochs, "judging on held-out images"
            )
            values[f"val_{'robust_' * recipe.attacked}acc"] = reached
            if reached > score:
                best, score = capture(result, kept="best", epoch=epoch, selection=judge.sentence), reached
        note = ""
        if recipe.inspect:
            note = yield from _pulsing(recipe.inspect(result, samples, epoch), epoch - 1, config.epochs, "")
        state = None
        if time.monotonic() - last_saved >= CHECKPOINT_S and epoch < config.epochs:
            state, last_saved = saved.pack(epoch, networks, optimizer, recipe.memory, best, score), time.monotonic()
        yield Progress(
            stage="train", done=epoch, total=config.epochs, unit="epochs", values=values, note=note, state=state,
            model=result,
        )  # fmt: skip
    last = capture(result, kept="last", epoch=epoch)
    return {"last": last, "best": best or last}


def learning_rate(config: TrainingOptions, epoch: int) -> float:
    """Rate of an epoch counted from 0: half a cosine wave, or a tenth after each share of the epochs in DROPS."""
    if config.schedule == "cosine":
        return config.lr * 0.5 * (1 + cos(pi * epoch / config.epochs))
    drops = DROPS.get(config.schedule, ())
    return config.lr * 0.1 ** sum(epoch >= share * config.epochs for share in drops)


def _epoch(
    network: Classifier,
    average: Classifier,
    optimizer: torch.optim.Optimizer,
    samples: Samples,
    recipe: Recipe,
    config: TrainingOptions,
    epoch: int,
    seed: int,
) -> Generator[Progress, None, dict[str, float]]:
    """One pass in batches of nearly equal size; returns the mean loss, the accuracy and the rate."""
    rate = learning_rate(config, epoch)
    for group in optimizer.param_groups:
        group["lr"] = rate
    names = ("shuffle", "attack", "augment")
    shuffle, attack, change = (torch.Generator().manual_seed(stream(seed, name, epoch)) for name in names)
    warmup = getattr(config, "warmup", 0.0) * config.epochs
    growth = min(1.0, (epoch + 1) / warmup) if warmup else 1.0
    batches = torch.randperm(len(samples), generator=shuffle).tensor_split(ceil(len(samples) / config.batch))
    total, correct = 0.0, 0
    for index, rows in enumerate(batches):
        batch = samples.batch(rows.to(samples.x.device), growth)
        if config.augment == "auto":
            batch = replace(batch, x=augment(batch.x, draw(usual(batch.x.shape[1:]), len(batch), change)))
        network.train()
        losses, logits = yield from _pulsing(recipe.step(network, batch, attack), epoch, config.epochs, "")
        loss = (batch.weight * losses).mean()
        if not bool(loss.isfinite()):
            raise NumericsError(
                f"the loss of epoch {epoch + 1} is not a finite number: lower the learning rate, now {rate:.3g}"
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if average is not network:
            _update_average(average, network, config.average, epoch * len(batches) + index)
        total += float(loss.detach()) * len(batch)
        correct += int((logits.detach().argmax(1) == batch.y).sum())
    accuracy = "train_robust_acc" if recipe.attacked else "train_acc"
    return {"loss": total / len(samples), accuracy: correct / len(samples), "lr": rate}


def _pulsing(work: Generator[None, None, T], epoch: int, epochs: int, note: str) -> Work[T]:
    """Run work that pauses with None and hand a sign of life on now and then; returns its result."""
    beat = Progress(stage="train", done=epoch, total=epochs, unit="epochs", note=note)
    return (yield from pulsing(work, lambda _: beat))


def _optimizer(network: nn.Module, config: TrainingOptions) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    return torch.optim.SGD(
        network.parameters(), lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
    )


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the network, faster at first: min(decay, (1 + step) / (10 + step)) of it stays."""
    kept = min(decay, (1 + step) / (10 + step))
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new, 1 - kept)
    for held, fresh in zip(average.buffers(), network.buffers(), strict=True):
        held.copy_(fresh)


def _judged(epochs: int) -> set[int]:
    """The epochs after which "best" is judged, the last one among them."""
    return {ceil(epochs * share / JUDGEMENTS) for share in range(1, JUDGEMENTS + 1)}


def _out_of_patience(config: TrainingOptions, epoch: int, best: TrainedModel | None) -> bool:
    if not (config.patience and best):
        return False
    return sum(best.epoch < judged <= epoch for judged in _judged(config.epochs)) >= config.patience
