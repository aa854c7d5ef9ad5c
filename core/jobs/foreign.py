"""Networks that were made elsewhere: weights of one of the project's architectures, or code of the owner's own.

Weights are read as numbers only (`.pt` as weights only, safetensors) and matched to the architecture by name, else by
the order and shape of its layers, which is said. Code is run only where a command of the owner names its file; nothing
that a page takes leads here.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from core.datasets.found import Array
from core.datasets.sets import torch_file
from core.datasets.sets.pixels import FIELD
from core.engine import limits
from core.errors import ConfigError, DataError
from core.networks.model import build
from core.settings.run import NetworkChoice
from core.types import Dataset, Origin, TrainedModel

NORMALISED = "normalise."
INNER = ("state_dict", "model_state_dict", "model", "net", "network")
COUNTER = "num_batches_tracked"


def weights(
    path: Path, choice: NetworkChoice, dataset: Dataset, mean: Sequence[float], std: Sequence[float]
) -> tuple[TrainedModel, list[str]]:
    """The network with the weights of a file, and what was decided.

    mean, std  by which its images were normalised, one number a channel; empty where the file has them
    raises     DataError for weights that do not fit, ConfigError when nothing says how images were normalised
    """
    found = _state(path)
    own_statistics = f"{NORMALISED}mean" in found and f"{NORMALISED}std" in found
    if not own_statistics and not (mean and std):
        raise ConfigError(_question(path, dataset))
    if mean and not len(mean) == len(std) == dataset.train.shape[0]:
        raise ConfigError(
            f"--mean and --std need {dataset.train.shape[0]} numbers each, got {len(mean)} and {len(std)}"
        )
    blank = build(
        choice.name, choice.options, dataset.train.shape, dataset.n_classes,
        mean or [0.0] * dataset.train.shape[0], std or [1.0] * dataset.train.shape[0], seed=0,
    )  # fmt: skip
    wanted = {name: tensor.numpy() for name, tensor in blank.state_dict().items()}
    state, how = _matched(found, wanted, path, choice.name)
    notes = [f"the file names no classes: its output k is taken as class k of the data set, 0 as {dataset.classes[0]}"]
    spec = blank.spec
    model = TrainedModel(
        network=spec.network, options=spec.options, shape=spec.shape, n_classes=spec.n_classes, state=state,
        kept="last", epoch=0, selection="made elsewhere", origin=Origin.of(dataset),
    )  # fmt: skip
    return model, [*how, *notes]


def _question(path: Path, dataset: Dataset) -> str:
    known = FIELD.get(dataset.name.lower(), ())
    proposal = " --std ".join(",".join(f"{v:g}" for v in part) for part in known[0]) if known else "0 --std 1"
    why = "what the field divides by" if known else "if it takes pixels in [0, 1] as they are"
    return f"{path.name} does not say how its images were normalised: give --mean {proposal} ({why}), or its own"


def _state(path: Path) -> dict[str, Array]:
    """Names and numbers of a file, in its order."""
    if path.suffix.lower() == ".safetensors":
        try:
            limits.refuse(path.name, decoded=path.stat().st_size, packed=path.stat().st_size)
            with safe_open(path, framework="numpy") as file:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path.name} is no readable safetensors file: {error}") from None
    if path.suffix.lower() not in torch_file.SUFFIXES:
        raise DataError(f"{path.name} is no file of weights: expected .pt, .pth or .safetensors")
    content = torch_file.load(path)
    for name in INNER:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(value, np.ndarray) for value in content.values()):
        raise DataError(f"{path.name} holds no dict of weights by name: save network.state_dict()")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _matched(
    found: Mapping[str, Array], wanted: Mapping[str, Array], path: Path, network: str
) -> tuple[dict[str, Array], list[str]]:
    """Weights by the names of the architecture; of the statistics those that were given where the file has none."""
    body = {name: array for name, array in wanted.items() if not name.startswith(NORMALISED)}
    statistics = [name for name in wanted if name.startswith(NORMALISED) and name in found]
    there = {name: array for name, array in found.items() if not name.startswith(NORMALISED)}
    if set(there) == set(body):
        pairs, how = [(name, name) for name in body], []
    else:
        there = {name: array for name, array in there.items() if not name.endswith(COUNTER)}
        own = [name for name in body if not name.endswith(COUNTER)]
        pairs = list(zip(own, there, strict=False))
        if len(own) != len(there):
            raise DataError(
                f"{path.name} has {len(there)} tensors, {network} with these options has {len(own)}: give the options "
                "of the network it was trained as"
            )
        if path.suffix.lower() == ".safetensors":
            pairs = _by_shape(own, body, there, path)
        how = [f"layers were matched in their order: {', '.join(f'{b} → {a}' for a, b in pairs[:3])} …"]
    state = dict(wanted)
    for name, theirs in [*pairs, *((name, name) for name in statistics)]:
        if found[theirs].shape != wanted[name].shape or found[theirs].dtype.kind not in "fiu":
            raise DataError(
                f"{theirs} of {path.name} has shape {found[theirs].shape}, {name} of {network} {wanted[name].shape}: "
                "give the options of the network it was trained as"
            )
        state[name] = found[theirs].astype(wanted[name].dtype)
    if not all(np.isfinite(array).all() for array in state.values()):
        raise DataError(f"{path.name} holds NaN or infinite weights: it is damaged, or its training diverged")
    if any((state[name] <= 0).any() for name in statistics if name.endswith("std")):
        raise DataError(f"{path.name} divides images by a deviation of 0 or less: it is damaged")
    return state, how


def _by_shape(
    own: Sequence[str], body: Mapping[str, Array], there: Mapping[str, Array], path: Path
) -> list[tuple[str, str]]:
    """Safetensors keep no order of layers: shapes must tell them apart."""
    shapes = {array.shape: name for name, array in there.items()}
    if len(shapes) < len(there) or any(body[name].shape not in shapes for name in own):
        raise DataError(
            f"{path.name} names its layers otherwise, and safetensors keep no order to match them by: save them "
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
