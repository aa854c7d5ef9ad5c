"""Training state as named arrays and back, complete enough that resuming equals never having stopped.

All randomness of epoch e comes from streams named by e, so no random state has to be stored.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.networks.classifier import Classifier
from core.networks.model import capture
from core.types import TrainedModel


def pack(
    epoch: int,
    networks: Mapping[str, Classifier],
    optimizer: torch.optim.Optimizer,
    memory: Mapping[str, Tensor],
    best: TrainedModel | None,
    score: float,
) -> dict[str, np.ndarray]:
    """Arrays of the state after `epoch` epochs; names are paths such as `network/head.weight`."""
    state: dict[str, np.ndarray] = {"epoch": np.array(epoch)}
    for part, network in networks.items():
        state |= {f"{part}/{name}": _array(tensor) for name, tensor in network.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{name}": _array(v) for name, v in values.items() if v is not None}
    state |= {f"memory/{name}": _array(tensor) for name, tensor in memory.items()}
    if best is not None:
        state |= {f"best/{name}": array for name, array in best.state.items()}
        state |= {"best_epoch": np.array(best.epoch), "best_score": np.array(score)}
    return state


def unpack(
    state: Mapping[str, np.ndarray],
    networks: Mapping[str, Classifier],
    optimizer: torch.optim.Optimizer,
    memory: Mapping[str, Tensor],
    selection: str,
) -> tuple[int, TrainedModel | None, float]:
    """Fill networks, optimizer and memory in place; return (finished epochs, best so far, its score)."""
    for part, network in networks.items():
        network.load_state_dict(_tensors(state, part))
    values: dict[int, dict[str, Tensor]] = {}
    for path, tensor in _tensors(state, "optimizer").items():
        index, name = path.split("/", 1)
        values.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": values, "param_groups": optimizer.state_dict()["param_groups"]})
    for name, tensor in _tensors(state, "memory").items():
        memory[name].copy_(tensor)
    epoch = int(state["epoch"])
    if "best_epoch" not in state:
        return epoch, None, -1.0
    blank = capture(networks["network"], kept="best", epoch=int(state["best_epoch"]), selection=selection)
    for name in blank.state:
        blank.state[name][...] = state[f"best/{name}"]
    return epoch, blank, float(state["best_score"])


def _array(value: Tensor) -> np.ndarray:
    return value.detach().cpu().numpy().copy()


def _tensors(state: Mapping[str, np.ndarray], part: str) -> dict[str, Tensor]:
    prefix = part + "/"
    return {path.removeprefix(prefix): torch.tensor(a) for path, a in state.items() if path.startswith(prefix)}
