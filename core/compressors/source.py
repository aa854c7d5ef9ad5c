"""The network that robust data sets are read from: which one is trained when none is named, and how it is opened."""

from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.networks import NETWORKS, restore
from core.types import Options, TrainedModel, TrainSplit, option

if TYPE_CHECKING:
    from torch import nn

BATCH, LR = 128, 0.002  # of the training of the source, by Adam with a cosine


class SourceOptions(Options):
    """What the methods of Ilyas et al. 2019 share: the network they learn from, and how many images they change."""

    ipc: int = option(100, "images per class; a class with fewer gives all it has", unit="images", ge=1)
    source: str = option("", "network to learn from: a finished run or a .safetensors file; empty trains one first")
    source_epochs: int = option(
        20,
        "passes over the train split, when the source is trained first",
        unit="epochs",
        ge=1,
        le=10_000,
        advanced=True,
    )
    batch: int = option(128, "images changed at a time", unit="images", ge=1, le=65_536, advanced=True)


def teacher(
    config: SourceOptions, shape: tuple[int, int, int], training: str = "standard", **options: Any
) -> dict[str, Any]:
    """A small CNN (an MLP for points) with the settings of its training, as a RunConfig takes them."""
    fits = not NETWORKS["small-cnn"].refuse(NETWORKS["small-cnn"].Config(), shape)
    common = {"epochs": config.source_epochs, "batch": BATCH, "lr": LR}
    return {
        "network": {"name": "small-cnn" if fits else "mlp", "options": {}},
        "training": {"name": training, "options": common | options},
    }


def opened(source: TrainedModel | None, train: TrainSplit, n_classes: int, method: str, device: str) -> "nn.Module":
    """The network in eval mode, frozen, on the device.

    raises  ConfigError when there is none, or when it takes other images or tells fewer classes apart
    """
    if source is None:
        raise ConfigError(f"{method} needs a trained network, got none: name a finished run as its source")
    if source.shape != train.shape or source.n_classes < n_classes:
        raise ConfigError(
            f"{method} needs a source for {train.shape} images of {n_classes} classes, got one for {source.shape} of "
            f"{source.n_classes}: choose one trained on the same kind of data"
        )
    return restore(source, device=device).requires_grad_(False)
