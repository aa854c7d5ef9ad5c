"""Networks that were made elsewhere: weights of one of the project's architectures, or code of the owner's own.

Weights are matched to the architecture by name, else by the order and shape of its layers, which is said. Which
architecture they are of is told by their shapes. Code is run only where a command of the owner names its file; nothing
that a page takes leads here.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.datasets.found import Array
from core.datasets.sets.pixels import FIELD, Statistics
from core.errors import ConfigError, DataError
from core.jobs import loading
from core.jobs.weights_file import NORMALISED, WeightsFile
from core.networks import NETWORKS
from core.networks.classifier import Classifier
from core.networks.model import build
from core.settings.run import NetworkChoice
from core.types import Dataset, Origin, TrainedModel

COUNTER = "num_batches_tracked"
AS_TRAINED = "give the options of the network it was trained as"


def weights(
    file: WeightsFile, choice: NetworkChoice, dataset: Dataset, mean: Sequence[float], std: Sequence[float]
) -> tuple[TrainedModel, list[str]]:
    """The network with the weights of a file, and what was decided.

    mean, std  by which its images were normalised, one number a channel; empty where the file has them
    raises     DataError for weights that do not fit or were made for other classes, ConfigError when nothing says how
               images were normalised
    """
    _refuse_others(file, choice, dataset)
    if not file.says_statistics and not (mean and std):
        raise ConfigError(_question(file, dataset))
    if mean and not len(mean) == len(std) == dataset.train.shape[0]:
        raise ConfigError(
            f"--mean and --std need {dataset.train.shape[0]} numbers each, got {len(mean)} and {len(std)}"
        )
    blank = _blank(choice, dataset, mean, std)
    state, how = _matched(file, blank, choice.name)
    spec, origin = blank.spec, file.origin if file.origin.classes else Origin.of(dataset)
    model = TrainedModel(
        network=spec.network, options=spec.options, shape=spec.shape, n_classes=spec.n_classes, state=state,
        kept="last", epoch=0, selection="made elsewhere", origin=origin,
    )  # fmt: skip
    return model, [*how, *of_data(file, dataset)]


def recognised(file: WeightsFile, dataset: Dataset) -> NetworkChoice | None:
    """The network that the weights are of: the one that the file names, else the first in the table that has them."""
    if file.choice is not None:
        return file.choice
    shapes = [array.shape for name, array in file.state.items() if not name.startswith(NORMALISED)]
    for name, row in NETWORKS.items():
        for options in row.Config.of_weights(shapes):
            with suppress(ConfigError, DataError):
                choice = NetworkChoice.of(name, **options)
                _matched(file, _blank(choice, dataset), name)
                return choice
    return None


def of_data(file: WeightsFile, dataset: Dataset) -> list[str]:
    """What the file says of its classes and of the images it was trained on, and what is assumed where it says nothing.

    raises  DataError when it was made for other classes
    """
    if sentence := loading.other_classes(file.name, file.origin, dataset):
        raise DataError(sentence)
    if file.origin.is_of(dataset):
        return [f"the file names the classes and the train split of this data set, {dataset.train.hash}"]
    if file.origin.classes != dataset.classes:
        return [
            f"the file names no classes: its output k is taken as class k of the data set, 0 as {dataset.classes[0]}"
        ]
    there = f"train split {file.origin.train_hash}" if file.origin.train_hash else "no train split"
    return [
        f"the file names the classes of this data set and {there}, {dataset.name} as it is loaded here has "
        f"{dataset.train.hash}: another limit, split or content; what was learned there may be judged here"
    ]


def proposed(dataset: Dataset) -> tuple[Statistics, str]:
    """By which mean and deviation images were probably normalised, and why."""
    known = FIELD.get(dataset.name.lower(), ())
    as_they_are = (0.0,) * dataset.train.shape[0], (1.0,) * dataset.train.shape[0]
    return (
        (known[0], "what the field divides by") if known else (as_they_are, "if it takes pixels in [0, 1] as they are")
    )


def _refuse_others(file: WeightsFile, choice: NetworkChoice, dataset: Dataset) -> None:
    """A file that says of itself which network it is of is not taken for another with the same shapes."""
    if file.choice is not None and file.choice != choice:
        raise DataError(f"{file.name} says that it is {words(file.choice)}, not {words(choice)}: choose that")
    of_data(file, dataset)


def words(choice: NetworkChoice) -> str:
    """A network with its options: mlp with width 8, depth 1."""
    options = ", ".join(f"{name} {value}" for name, value in choice.options.model_dump().items())
    return f"{choice.name} with {options}"


def _blank(
    choice: NetworkChoice, dataset: Dataset, mean: Sequence[float] = (), std: Sequence[float] = ()
) -> Classifier:
    channels = dataset.train.shape[0]
    return build(
        choice.name, choice.options, dataset.train.shape, dataset.n_classes, mean or [0.0] * channels,
        std or [1.0] * channels, seed=0,
    )  # fmt: skip


def _question(file: WeightsFile, dataset: Dataset) -> str:
    statistics, why = proposed(dataset)
    proposal = " --std ".join(",".join(f"{value:g}" for value in part) for part in statistics)
    return f"{file.name} does not say how its images were normalised: give --mean {proposal} ({why}), or its own"


def _matched(file: WeightsFile, blank: Classifier, network: str) -> tuple[dict[str, Array], list[str]]:
    """Weights by the names of the architecture; of the statistics those that were given where the file has none."""
    found, wanted = file.state, {name: tensor.numpy() for name, tensor in blank.state_dict().items()}
    body = {name: array for name, array in wanted.items() if not name.startswith(NORMALISED)}
    statistics = [name for name in wanted if name.startswith(NORMALISED) and name in found]
    there = {name: array for name, array in found.items() if not name.startswith(NORMALISED)}
    if set(there) == set(body):
        pairs, how = [(name, name) for name in body], []
    else:
        there = {name: array for name, array in there.items() if not name.endswith(COUNTER)}
        own = [name for name in body if not name.endswith(COUNTER)]
        if len(own) != len(there):
            raise DataError(
                f"{file.name} has {len(there)} tensors, {network} with these options has {len(own)}: {AS_TRAINED}"
            )
        pairs = list(zip(own, there, strict=True)) if file.ordered else _by_shape(own, body, there, file.name)
        how = [f"layers were matched in their order: {', '.join(f'{b} → {a}' for a, b in pairs[:3])} …"]
    state = dict(wanted)
    for name, theirs in [*pairs, *((name, name) for name in statistics)]:
        if found[theirs].shape != wanted[name].shape or found[theirs].dtype.kind not in "fiu":
            raise DataError(
                f"{theirs} of {file.name} has shape {found[theirs].shape}, {name} of {network} {wanted[name].shape}: "
                f"{AS_TRAINED}"
            )
        state[name] = found[theirs].astype(wanted[name].dtype)
    if any((state[name] <= 0).any() for name in statistics if name.endswith("std")):
        raise DataError(f"{file.name} divides images by a deviation of 0 or less: it is damaged")
    return state, how


def _by_shape(
    own: Sequence[str], body: Mapping[str, Array], there: Mapping[str, Array], file: str
) -> list[tuple[str, str]]:
    """Safetensors keep no order of layers: shapes must tell them apart."""
    shapes = {array.shape: name for name, array in there.items()}
    if len(shapes) < len(there) or any(body[name].shape not in shapes for name in own):
        raise DataError(
            f"{file} names its layers otherwise, and safetensors keep no order to match them by: save them "
            f"as .pt, or under the names {', '.join(own[:3])} …"
        )
    return [(name, shapes[body[name].shape]) for name in own]


def network_of(code: str, dataset: Dataset, device: str) -> nn.Module:
    """The module that FILE.py:function returns, checked on two black images; it must map [0, 1] images to logits.

    raises  ConfigError for no such file or function, or when it gives something else
    """
    name, colon, function = code.rpartition(":")
    path = Path(name).expanduser()
    if not colon or path.suffix != ".py" or not path.is_file():
        raise ConfigError(f"--network takes FILE.py:function here, a file that exists, got {code!r}")
    spec = importlib.util.spec_from_file_location(f"brought_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        made: Any = getattr(module, function)()
        if not isinstance(made, nn.Module):
            raise TypeError(f"it gives a {type(made).__name__}, no torch.nn.Module")
        made = made.to(device).eval()
        with torch.no_grad():
            shape = tuple(made(torch.zeros(2, *dataset.train.shape, device=device)).shape)
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ConfigError(f"{code} gives no network: {type(error).__name__}: {first}") from None
    if shape != (2, dataset.n_classes):
        raise ConfigError(f"{code} gives {shape} for two images, expected logits of shape (2, {dataset.n_classes})")
    return made
