"""The doors to networks: build one with seeded weights, take it down as a value, restore it from there."""

from collections.abc import Mapping, Sequence

import torch

from core.errors import ConfigError
from core.networks import NETWORKS
from core.networks.classifier import Classifier, NetworkSpec
from core.types import Options, TrainedModel


def build(
    name: str,
    options: Mapping[str, object] | Options,
    shape: tuple[int, int, int],
    n_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    seed: int,
) -> Classifier:
    """Make a network with seeded weights on the CPU; the global random state is not touched.

    options   settings of that network, as a dict or its Config
    shape     (c, h, w) of one image in [0, 1]
    mean, std  one float per channel, from the real train split; see statistics.channel_statistics
    returns   Classifier, (n, c, h, w) images in [0, 1] -> (n, n_classes) logits, with `features(x)` -> (n, d)
              and `spec`, a NetworkSpec
    raises    ConfigError for an unknown name, a wrong setting, or a shape that the network refuses
    """
    if name not in NETWORKS:
        raise ConfigError(f"network {name!r} is unknown; choose one of: {', '.join(NETWORKS)}")
    entry = NETWORKS[name]
    config = entry.Config(**(options.model_dump() if isinstance(options, Options) else options))
    if sentence := config.refuse(shape):
        raise ConfigError(sentence)
    if not len(mean) == len(std) == shape[0] or min(std) <= 0:
        raise ConfigError(
            f"mean and std need one value for each of {shape[0]} channels and std above 0, got {mean}, {std}"
        )
    network: Classifier = entry.build(config, shape, n_classes, mean, std, seed=seed)
    channels, height, width = shape
    spec = NetworkSpec(network=name, options=config.model_dump(), shape=(channels, height, width), n_classes=n_classes)
    network.spec = spec
    return network


def capture(network: Classifier, *, kept: str, epoch: int, selection: str = "") -> TrainedModel:
    """Copy a network made by `build` into a value; the network may be trained on afterwards."""
    spec = network.spec
    state = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
    return TrainedModel(
        network=spec.network,
        options=spec.options,
        shape=spec.shape,
        n_classes=spec.n_classes,
        state=state,
        kept=kept,
        epoch=epoch,
        selection=selection,
    )


def restore(model: TrainedModel, *, device: str = "cpu") -> Classifier:
    """The network of a TrainedModel on `device`, in eval mode, all its weights and buffers from the value."""
    blank = [0.0] * model.shape[0], [1.0] * model.shape[0]  # overwritten: mean and std are buffers of the state
    network = build(model.network, model.options, model.shape, model.n_classes, *blank, seed=0)
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in model.state.items()})
    return network.to(device).eval()
