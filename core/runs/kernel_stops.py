"""The networks that are set beside a kernel: which there are, how each is trained, how its settings read.

An NTK-parametrised network is trained towards its limit: from the zero function, on images centred as the kernel sees
them, by gradient descent on all of them at once. `lazy` and `centred` switch these off, for the ordinary training
that the other networks get too: batches, a rate that falls like a cosine, images normalised per channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from core.errors import ConfigError
from core.events import Progress, Work
from core.networks import NETWORKS, build
from core.networks.statistics import channel_statistics
from core.training import TRAINERS
from core.types import CondensedSet, Dataset, Norm, Options, option, stream

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.kernels import Kernel

WIDEST = 8192
LAZY = "ntk-mlp"  # the network whose limit the kernel is
CURVATURE = {"mse": 2.0, "ce": 0.5}  # largest second derivative in the logits


class WidthConfig(Options):
    """Which networks are set beside the kernel, and how all are trained and judged."""

    what: Literal["width", "architectures"] = option("width", "NTK MLPs of growing width, or every network there is")
    widths: tuple[int, ...] = option((64, 256, 1024, 4096), "units per hidden layer, at most 8,192")
    networks: tuple[str, ...] = option((), "names of networks instead of every one that takes the images")
    seeds: int = option(1, "networks trained at each stop", ge=1, le=10)
    epochs: int = option(200, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    loss: Literal["mse", "ce"] = option("mse", "squared error to the labels as the kernel has it, or cross-entropy")
    lazy: bool = option(True, "train NTK networks on all images at once, at the largest stable constant rate")
    centred: bool = option(True, "let NTK networks start from the zero function and see images as the kernel does")
    norm: Norm = option("Linf", "norm of the attacks")
    eps: float = option(0.1, "largest perturbation", unit="pixels in [0, 1]", gt=0)
    images: int = option(200, "test images judged", unit="images", ge=1)

    @field_validator("widths")
    @classmethod
    def _possible(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if not widths or min(widths) < 1 or max(widths) > WIDEST:
            raise ConfigError(f"widths must lie between 1 and {WIDEST}, got {widths}")
        return tuple(sorted(set(widths)))

    @field_validator("networks")
    @classmethod
    def _known(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in networks if name not in NETWORKS]:
            raise ConfigError(f"there is no network called {unknown[0]!r}; there are: {', '.join(NETWORKS)}")
        return networks

    def sentence(self) -> str:
        """How NTK networks are trained, as it stands beside a number."""
        loss = {"mse": "squared error", "ce": "cross-entropy"}[self.loss]
        how = "lazy training" if self.lazy else "ordinary training"
        start = "from the zero function" if self.centred else "from random functions"
        return f"{how} {start}, {loss}, {self.epochs:,} epochs"


@dataclass(frozen=True)
class Stop:
    """A network in the row: its name in the table, its options, its title."""

    network: str
    options: Mapping[str, Any]
    title: str


def stops(chosen: WidthConfig, kernel: "Kernel", dataset: Dataset) -> list[Stop]:
    """Every stop before the kernel; NTK networks are as deep as it."""
    depth = {"depth": kernel.depth, "bias_std": kernel.bias_std}
    if chosen.what == "width":
        return [Stop(LAZY, {"width": width, **depth}, f"NTK MLP, width {width}") for width in chosen.widths]
    return [
        Stop(name, depth if name == LAZY else {}, NETWORKS[name].title) for name in names(chosen, dataset.train.shape)
    ]


def names(chosen: WidthConfig, shape: Sequence[int]) -> list[str]:
    """Networks of a row, by their names in the table: the chosen ones that take images of (c, h, w)."""
    if chosen.what == "width":
        return [LAZY]
    wanted = chosen.networks or tuple(NETWORKS)
    return [name for name in wanted if not NETWORKS[name].refuse(NETWORKS[name].Config(), tuple(shape))]


def trained(
    stop: Stop, chosen: WidthConfig, condensed: CondensedSet, dataset: Dataset, seed: int, device: str, *, done: int,
    total: int,
) -> Work[tuple["nn.Module", float]]:  # fmt: skip
    """A network trained on the condensed set, and its loss there; epochs move the bar within stop `done` of `total`.

    raises  ConfigError for cross-entropy on learned labels that are no probabilities
    """
    model = untrained(stop, chosen, dataset, seed, device)
    work = (_lazily if stop.network == LAZY and chosen.lazy else _ordinarily)(model, chosen, condensed, seed, device)
    try:
        while True:
            event = next(work)
            yield replace(
                event, stage="width", done=done, total=total, unit="stops", state=None, model=None, values={},
                note=f"training {stop.title}, epoch {event.done} of {event.total}",
            )  # fmt: skip
    except StopIteration:
        model.eval().requires_grad_(False)
        return model, train_loss(model, condensed, chosen.loss, device)
    finally:
        work.close()


def train_loss(model: "nn.Module", condensed: CondensedSet, loss: str, device: str) -> float:
    """Mean loss on the condensed images."""
    import torch

    from core.attacks import LOSSES

    x, targets = _samples(condensed, loss, device)
    with torch.no_grad():
        return float(LOSSES[loss](model(x), targets).mean())


def untrained(stop: Stop, chosen: WidthConfig, dataset: Dataset, seed: int, device: str) -> "nn.Module":
    """A network before its training; an NTK network is zero everywhere and sees images as the kernel when centred."""
    shape, classes = dataset.train.shape, dataset.n_classes
    if stop.network != LAZY or not chosen.centred:
        statistics = channel_statistics(dataset.train)
        return build(stop.network, stop.options, shape, classes, *statistics, seed=seed).to(device)
    import torch

    from core.kernels import FromZero, mean_image

    raw = build(stop.network, stop.options, shape, classes, [0.0] * shape[0], [1.0] * shape[0], seed=seed)
    model = FromZero(raw, torch.tensor(mean_image(dataset.train))).to(device)
    model.spec = raw.spec
    return model


def _lazily(model: "nn.Module", chosen: WidthConfig, condensed: CondensedSet, seed: int, device: str) -> Work[None]:
    """Gradient descent on all images at once, in place."""
    import torch

    from core.attacks import LOSSES
    from core.kernels import descend

    x, targets = _samples(condensed, chosen.loss, device)
    source = torch.Generator().manual_seed(stream(seed, "sharpness"))
    work = descend(
        model.to(device), x, targets, LOSSES[chosen.loss], curvature=CURVATURE[chosen.loss], steps=chosen.epochs,
        generator=source,
    )  # fmt: skip
    for step, _ in work:
        yield Progress(stage="train", done=step, total=chosen.epochs, unit="epochs")


def _ordinarily(model: "nn.Module", chosen: WidthConfig, condensed: CondensedSet, seed: int, device: str) -> Work[None]:
    """Standard training in batches, in place."""
    own = model.spec.network == LAZY
    settings = TRAINERS["standard"].Config(
        epochs=chosen.epochs, loss=chosen.loss, weight_decay=0.0, optimizer="sgd" if own else "adam",
        lr=0.02 if own else 0.002, schedule="cosine",
    )  # fmt: skip
    yield from TRAINERS["standard"].train(
        condensed, model, settings, validation=None, seed=seed, device=device, checkpoint=None
    )


def _samples(condensed: CondensedSet, loss: str, device: str) -> tuple["Tensor", "Tensor"]:
    """Images and targets on the device, as training takes them."""
    from core.training.objective import prepare

    settings = TRAINERS["standard"].Config(loss=loss)
    samples = prepare(condensed, settings, device)
    return samples.x, samples.targets
