"""The network that robust data sets are read from: how it is opened."""

from core.errors import ConfigError
from core.networks.classifier import Classifier
from core.networks.model import restore
from core.types import TrainedModel, TrainSplit


def opened(source: TrainedModel | None, train: TrainSplit, n_classes: int, method: str, device: str) -> Classifier:
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
    network = restore(source, device=device)
    network.requires_grad_(False)
    return network
