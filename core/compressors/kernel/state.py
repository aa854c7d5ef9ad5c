"""What KIP and FRePo hold: the real images it learns from, and the support it learns with Adam's memory.

Every random number comes from a stream named by what it is for and the step, so nothing random is part of a checkpoint.
A part of the train split is held out for the live accuracies; it enters neither batches nor first images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from core.compressors.held_out import apart
from core.compressors.resuming import refuse_other
from core.errors import ConfigError
from core.kernels import centred, mean_image
from core.types import CondensedSet, Norm, TrainSplit, stream

JUDGEMENTS = 20  # times the live accuracies are taken, besides the start


@dataclass(frozen=True, eq=False)
class Real:
    """Real images: those learned from and those held out; rows of the train split."""

    train: TrainSplit
    rows: np.ndarray
    held: np.ndarray
    mean: Tensor
    device: str

    @classmethod
    def split(cls, train: TrainSplit, held_out: int, seed: int, device: str) -> "Real":
        """Hold out the same share of every class, at most a fifth, so that none is left without images."""
        rows, held = apart(train.y, held_out, stream(seed, "kip", "held-out"))
        mean = torch.tensor(mean_image(train), device=device)
        return cls(train, rows, held, mean, device)

    def images(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pixels (n, c, h, w) and classes (n,) of train rows, on the device."""
        y = torch.tensor(self.train.y[rows], device=self.device)
        return torch.tensor(self.train.pixels(rows), device=self.device), y

    def batch(self, size: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step, drawn without replacement."""
        rng = np.random.default_rng(stream(seed, "kip", "batch", step))
        return self.images(rng.choice(self.rows, min(size, len(self.rows)), replace=False))


class Wish(Protocol):
    """What a support is begun with."""

    @property
    def ipc(self) -> int: ...
    @property
    def init(self) -> Literal["real", "noise"]: ...
    @property
    def lr(self) -> float: ...
    @property
    def learn_labels(self) -> bool: ...


@dataclass(eq=False)
class Support:
    """What is learned: x (m, c, h, w) float32, targets (m, C) float32, with Adam's memory; labels stay."""

    x: Tensor
    targets: Tensor
    labels: np.ndarray
    adam: torch.optim.Adam
    step: int = 0

    @classmethod
    def begin(cls, real: Real, config: Wish, n_classes: int, seed: int, start: CondensedSet | None) -> "Support":
        """Real images, noise, or the images of a stored set, with centred one-hot targets or its learned ones."""
        if start is not None:
            if start.x.shape[1:] != real.train.shape or start.n_classes != n_classes:
                raise ConfigError(
                    f"the first images must be like the train images, {real.train.shape} in {n_classes} classes, got "
                    f"{start.x.shape[1:]} in {start.n_classes}: choose a set made from the same data"
                )
            x, labels = torch.tensor(start.x, device=real.device), start.y
        else:
            rows = _draw(real, config.ipc, n_classes, seed)
            (x, _), labels = real.images(rows), real.train.y[rows]
            if config.init == "noise":
                x = torch.rand(x.shape, generator=source(seed, "noise")).to(x)
        targets = centred(torch.tensor(labels), n_classes, torch.float32).to(real.device)
        if start is not None and start.soft_labels is not None:
            targets = torch.tensor(start.soft_labels, device=real.device)
        return cls(x, targets, labels, torch.optim.Adam([x, targets] if config.learn_labels else [x], lr=config.lr))

    def move(self, g_x: Tensor, g_targets: Tensor, rate: float, box: bool) -> None:
        """One step of Adam against the gradients."""
        self.x.grad, self.targets.grad = g_x, g_targets.to(self.targets)
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        if box:
            self.x.clamp_(0, 1)
        self.step += 1

    def pack(self) -> dict[str, np.ndarray]:
        """Everything as named arrays."""
        arrays = {"x": self.x, "targets": self.targets}
        for index, values in self.adam.state_dict()["state"].items():
            arrays |= {f"adam/{index}/{name}": value for name, value in values.items()}
        packed = {name: array.detach().cpu().numpy().copy() for name, array in arrays.items()}
        return packed | {"step": np.array(self.step), "labels": self.labels.copy()}

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `pack` gave."""
        refuse_other(state, tuple(self.x.shape))
        self.x.copy_(torch.tensor(state["x"]))
        self.targets.copy_(torch.tensor(state["targets"]))
        memory: dict[int, dict[str, Tensor]] = {}
        for path, array in state.items():
            if path.startswith("adam/"):
                _, index, name = path.split("/")
                memory.setdefault(int(index), {})[name] = torch.tensor(array)
        self.adam.load_state_dict({"state": memory, "param_groups": self.adam.state_dict()["param_groups"]})
        self.step, self.labels = int(state["step"]), np.array(state["labels"])


def _draw(real: Real, ipc: int, n_classes: int, seed: int) -> np.ndarray:
    """Rows of ipc images of each class, by class."""
    rng, y = np.random.default_rng(stream(seed, "kip", "init")), real.train.y[real.rows]
    chosen = [np.sort(rng.permutation(real.rows[y == label])[:ipc]) for label in range(n_classes)]
    return np.concatenate(chosen)


def source(seed: int, *names: str | int) -> torch.Generator:
    """Random numbers of the stream `names`."""
    return torch.Generator().manual_seed(stream(seed, "kip", *names))


@dataclass(frozen=True, kw_only=True)
class Threat:
    """The inner attack, and the one that the live robust accuracy is under."""

    norm: Norm
    eps: float
    steps: int
    warmup: float
    watch_eps: float

    def at(self, step: int, steps: int) -> float:
        """eps of a step counted from 0."""
        grown = self.warmup * steps
        return self.eps * min(1.0, (step + 1) / grown) if grown else self.eps


def judged(steps: int) -> set[int]:
    """The steps after which the live accuracies are taken, the last one among them."""
    return {ceil(steps * part / JUDGEMENTS) for part in range(1, JUDGEMENTS + 1)}
