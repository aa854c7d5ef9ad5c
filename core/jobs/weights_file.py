"""A file of weights that was made elsewhere: its tensors, read as numbers only, and what it says of itself.

`.pt` is read as weights only, so nothing in a file is run; safetensors hold nothing but numbers and a description. A
file that Ballast wrote says which network it is of, and which classes and train split it was made from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from core.datasets.found import Array
from core.datasets.sets import torch_file
from core.engine import limits
from core.errors import ConfigError, DataError
from core.settings.run import NetworkChoice
from core.types import Origin

NORMALISED = "normalise."
INNER = ("state_dict", "model_state_dict", "model", "net", "network")
SAFETENSORS = ".safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightsFile:
    """Tensors by name, and what the file says of itself.

    state    in the order of the file; by name where the form keeps no order
    ordered  whether that order is the one of the layers
    choice   the network it says it is of, None where it says nothing
    origin   the classes and the train split that it says it was made from; blank likewise
    """

    name: str
    state: Mapping[str, Array]
    ordered: bool
    choice: NetworkChoice | None = None
    origin: Origin = field(default_factory=Origin)

    @property
    def says_statistics(self) -> bool:
        """Whether it says by which mean and deviation its images were normalised."""
        return {f"{NORMALISED}mean", f"{NORMALISED}std"} <= set(self.state)


def read(path: Path) -> WeightsFile:
    """The weights in a file.

    raises  DataError for another form, a damaged file, anything but numbers, or weights that are no finite numbers
    """
    if path.suffix.lower() == SAFETENSORS:
        found = _safetensors(path)
    elif path.suffix.lower() in torch_file.SUFFIXES:
        found = WeightsFile(name=path.name, state=_state_dict(path), ordered=True)
    else:
        raise DataError(f"{path.name} is no file of weights: expected .pt, .pth or .safetensors")
    if not all(np.isfinite(array).all() for array in found.state.values() if array.dtype.kind in "fiu"):
        raise DataError(f"{path.name} holds NaN or infinite weights: it is damaged, or its training diverged")
    return found


def _safetensors(path: Path) -> WeightsFile:
    try:
        size = path.stat().st_size
        limits.refuse(path.name, decoded=size, packed=size)
        with safe_open(path, framework="numpy") as file:
            names, metadata = file.keys(), file.metadata() or {}
            state = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path.name} is no readable safetensors file: {error}") from None
    choice, origin = _said(path, metadata["model"]) if "model" in metadata else (None, Origin())
    return WeightsFile(name=path.name, state=state, ordered=False, choice=choice, origin=origin)


def _said(path: Path, text: str) -> tuple[NetworkChoice, Origin]:
    """What a file of ours says of its network and of its data."""
    try:
        about = json.loads(text)
        choice = NetworkChoice(**{"name": about["network"], "options": about["options"]})
        return choice, Origin.read(about.get("origin", {}))
    except (ValueError, TypeError, KeyError, AttributeError, ConfigError) as error:
        raise DataError(
            f"{path.name} says of itself what cannot be read ({error}): save its tensors without a description"
        ) from None


def _state_dict(path: Path) -> dict[str, Array]:
    content = torch_file.load(path)
    for name in INNER:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    tensors = isinstance(content, Mapping) and content and all(isinstance(v, np.ndarray) for v in content.values())
    if not tensors:
        raise DataError(f"{path.name} holds no dict of weights by name: save network.state_dict()")
    return {name.removeprefix("module."): value for name, value in content.items()}
