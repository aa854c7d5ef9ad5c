"""The networks that are set beside a kernel: which there are, how each is trained, how its settings read.

An NTK-parametrised network is trained towards its limit: from the zero function, on images centred as the kernel sees
them, by gradient descent on all of them at once. `lazy` and `centred` switch these off, for the ordinary training
that the other networks get too: batches, a rate that falls like a cosine, images normalised per channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from core.attacks import LOSSES
from core.events import Progress, Work, through
from core.jobs.options import LAZY, Loss, WidthConfig
from core.kernels import FromZero, Kernel, descend, mean_image
from core.networks import NETWORKS
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.training import TRAINERS
from core.training.objective import prepare
from core.training.options import Standard
from core.types import CondensedSet, Dataset, stream

CURVATURE = {"mse": 2.0, "ce": 0.5}  # largest second derivative in the logits


@dataclass(frozen=True)
class Stop:
    """A network in the row: its name in the table, its options, its title."""

    network: str
    options: Mapping[str, Any]
    title: str


def stops(chosen: WidthConfig, kernel: Kernel, dataset: Dataset) -> list[Stop]:
    """Every stop before the kernel; NTK networks are as deep as it."""
    depth = {"depth": kernel.depth, "bias_std": kernel.bias_std}
    if chosen.what == "width":
        return [Stop(LAZY, {"width": width, **depth}, f"NTK MLP, width {width}") for width in chosen.widths]
    return [
        Stop(name, depth if name == LAZY else {}, NETWORKS[name].title) for name in chosen.names(dataset.train.shape)
    ]


def trained(
    stop: Stop, chosen: WidthConfig, condensed: CondensedSet, dataset: Dataset, seed: int, device: str, *, done: int,
    total: int,
) -> Work[tuple[nn.Module, float]]:  # fmt: skip
    """A network trained on the condensed set, and its loss there; epochs move the bar within stop `done` of `total`.

    raises  ConfigError for cross-entropy on learned labels that are no probabilities
    """
    model = untrained(stop, chosen, dataset, seed, device)
    if stop.network == LAZY and chosen.lazy:
        work = _lazily(model, chosen, condensed, seed, device)
    else:
        work = _ordinarily(model, chosen, condensed, seed, device, ntk=stop.network == LAZY)

    def say(event: Progress) -> Progress:
        return replace(
            event, stage="width", done=done, total=total, unit="stops", state=None, model=None, values={},
            note=f"training {stop.title}, epoch {event.done} of {event.total}",
        )  # fmt: skip

    yield from through(work, say)
    model.eval().requires_grad_(False)
    return model, train_loss(model, condensed, chosen.loss, device)


def train_loss(model: nn.Module, condensed: CondensedSet, loss: Loss, device: str) -> float:
    """Mean loss on the condensed images."""
    x, targets = _samples(condensed, loss, device)
    with torch.no_grad():
        return float(LOSSES[loss](model(x), targets).mean())


def untrained(stop: Stop, chosen: WidthConfig, dataset: Dataset, seed: int, device: str) -> nn.Module:
    """A network before its training; an NTK network is zero everywhere and sees images as the kernel when centred."""
    shape, classes = dataset.train.shape, dataset.n_classes
    if stop.network != LAZY or not chosen.centred:
        statistics = channel_statistics(dataset.train)
        return build(stop.network, stop.options, shape, classes, *statistics, seed=seed).to(device)
    raw = build(stop.network, stop.options, shape, classes, [0.0] * shape[0], [1.0] * shape[0], seed=seed)
    model = FromZero(raw, torch.tensor(mean_image(dataset.train))).to(device)
    model.spec = raw.spec
    return model


def _lazily(model: nn.Module, chosen: WidthConfig, condensed: CondensedSet, seed: int, device: str) -> Work[None]:
    """Gradient descent on all images at once, in place."""
    x, targets = _samples(condensed, chosen.loss, device)
    source = torch.Generator().manual_seed(stream(seed, "sharpness"))
    work = descend(
        model.to(device), x, targets, LOSSES[chosen.loss], curvature=CURVATURE[chosen.loss], steps=chosen.epochs,
        generator=source,
    )  # fmt: skip
    for step, _ in work:
        yield Progress(stage="train", done=step, total=chosen.epochs, unit="epochs")


def _ordinarily(
    model: nn.Module, chosen: WidthConfig, condensed: CondensedSet, seed: int, device: str, *, ntk: bool
) -> Work[None]:
    """Standard training in batches, in place."""
    settings = Standard(
        epochs=chosen.epochs, loss=chosen.loss, weight_decay=0.0, optimizer="sgd" if ntk else "adam",
        lr=0.02 if ntk else 0.002, schedule="cosine",
    )  # fmt: skip
    yield from TRAINERS["standard"].train(
        condensed, model, settings, validation=None, seed=seed, device=device, checkpoint=None
    )


def _samples(condensed: CondensedSet, loss: Loss, device: str) -> tuple[Tensor, Tensor]:
    """Images and targets on the device, as training takes them."""
    samples = prepare(condensed, Standard(loss=loss), device)
    return samples.x, samples.targets
