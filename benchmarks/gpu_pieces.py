"""What checks and rates of the GPU kit share: sizes, images, small trained networks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.events import drive
from core.networks.classifier import Classifier
from core.networks.model import build
from core.training import TRAINERS
from core.types import CondensedSet, TrainSplit, stream

SEED = 0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much work each part is."""

    images: int
    batch: int
    attack_steps: int
    epochs: int
    kernel: int
    supports: int
    width: int
    product: int
    repeats: int


FULL = Sizes(images=1000, batch=256, attack_steps=7, epochs=5, kernel=2000, supports=500, width=128, product=8192,
             repeats=10)  # fmt: skip
TOY = Sizes(images=40, batch=16, attack_steps=3, epochs=2, kernel=40, supports=20, width=8, product=256, repeats=2)


def images(path: Path | None) -> TrainSplit:
    """Train images of a file, shuffled, or 28×28 stripes that a network can tell apart."""
    rng = np.random.default_rng(SEED)
    if path is not None:
        with np.load(path) as stored:
            x, y = stored["x_train"], stored["y_train"].astype(np.int64)
        order = rng.permutation(len(x))
        x = x[order]
        return TrainSplit(x=x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2), y=y[order])
    y = np.arange(10_000) % 10
    x = rng.uniform(0, 0.7, (len(y), 1, 28, 28))
    for stripe in range(2):
        x[np.arange(len(y)), 0, 2 * y + 4 + stripe] += 0.3
    return TrainSplit(x=(255 * x).astype(np.uint8), y=y)


def batch(train: TrainSplit, count: int, device: str) -> tuple[Tensor, Tensor]:
    """The first `count` images, in [0, 1], and their classes."""
    rows = np.arange(min(count, len(train)))
    return torch.tensor(train.pixels(rows), device=device), torch.tensor(train.y[rows], device=device)


def network_of(train: TrainSplit, name: str, options: dict[str, int], device: str) -> Classifier:
    channels = train.shape[0]
    return build(name, options, train.shape, 10, [0.2] * channels, [0.3] * channels, seed=SEED).to(device)


def trained(train: TrainSplit, sizes: Sizes, device: str, trainer: str = "standard") -> Classifier:
    """A small CNN after a few epochs on the last images."""
    rows = np.arange(len(train))[-sizes.images :]
    condensed = CondensedSet(x=train.pixels(rows), y=train.y[rows], n_classes=10, method="random", indices=rows)
    network, row = network_of(train, "small-cnn", {}, device), TRAINERS[trainer]
    attack = {} if trainer == "standard" else {"eps": 0.1, "attack_steps": sizes.attack_steps}
    config = row.Config(epochs=sizes.epochs, lr=0.001, **attack)
    drive(row.train(condensed, network, config, validation=None, seed=stream(SEED, trainer), device=device))
    return network.eval()
