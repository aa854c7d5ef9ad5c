"""EasyCore: keep the images whose loss changes least with their pixels while a network learns the data.

A network is trained standardly on the train split; after every epoch each image's |d loss / d x|_2 is added up, and the
mean over epochs (AIGN) ranks the images of each class. The paper keeps the lowest, of the whole set; by class is our
choice, as are `middle` and `highest`, which show what the ranking is worth. Source: Ramesh et al. 2025,
arXiv:2510.11018; from its abstract and introduction, no code was found.
Cost: per epoch one pass over the train split and one input gradient per image; about 3 minutes for MNIST on one core.
"""

from collections.abc import Generator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.compressors.selection.options import Easy as Config
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, pulsing
from core.networks import NETWORKS
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.types import CondensedSet, Told, TrainSplit, stream


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> Work[CondensedSet]:
    """Train, add up gradients, choose `ipc` images of each class.

    yields   Progress; done and total count images passed through the network; x after each epoch
    returns  CondensedSet with indices, ordered by class and then by rank
    raises   ConfigError when there is nothing to choose from, NumericsError when the training diverges
    """
    if not len(train):
        raise ConfigError("easy needs at least one train image, got none")
    total = 2 * len(train) * config.ranking_epochs
    yield Progress(stage="condense", total=total, unit="images", note="training the network that ranks the images")
    network = _network(train, n_classes, seed, device)
    adam = torch.optim.Adam(network.parameters(), lr=config.lr)
    summed = np.zeros(len(train))
    for epoch in range(config.ranking_epochs):
        work = _epoch(network, adam, train, config, stream(seed, "easy", "order", epoch), device)
        summed += yield from pulsing(work, partial(_at, train, epoch, total))
        if not np.isfinite(summed).all():
            raise NumericsError(f"the gradients of epoch {epoch + 1} are not finite: lower lr, now {config.lr:g}")
        chosen = choose(summed, train.y, config)
        yield Progress(
            stage="condense", done=2 * len(train) * (epoch + 1), total=total, unit="images", x=train.pixels(chosen),
            y=train.y[chosen], values={"gradient": float(summed[chosen].mean() / (epoch + 1))},
        )  # fmt: skip
    info = Told(gradient=float(summed[chosen].mean() / config.ranking_epochs), rank=config.rank)
    return CondensedSet(
        x=train.pixels(chosen), y=train.y[chosen], n_classes=n_classes, method="easy", indices=chosen, info=info
    )


def choose(score: np.ndarray, y: np.ndarray, config: Config) -> np.ndarray:
    """Rows of `ipc` images of each class: those with the lowest score, around its median, or with the highest."""
    chosen = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        ranked = rows[np.argsort(score[rows], kind="stable")]
        count = min(config.ipc, len(rows))
        first = {"lowest": 0, "middle": (len(rows) - count) // 2, "highest": len(rows) - count}[config.rank]
        chosen.append(ranked[first : first + count])
    return np.concatenate(chosen)


def _at(train: TrainSplit, epoch: int, total: int, done: int) -> Progress:
    return Progress(stage="condense", done=2 * len(train) * epoch + done, total=total, unit="images")


def _network(train: TrainSplit, n_classes: int, seed: int, device: str) -> nn.Module:
    """A small CNN, or an MLP for images too small for it."""
    name = "mlp" if NETWORKS["small-cnn"].Config().refuse(train.shape) else "small-cnn"
    return build(name, {}, train.shape, n_classes, *channel_statistics(train), seed=stream(seed, "easy")).to(device)


def _epoch(
    network: nn.Module, adam: torch.optim.Optimizer, train: TrainSplit, config: Config, seed: int, device: str
) -> Generator[int, None, np.ndarray]:
    """One pass of training, then (n,) float64 gradient lengths; pauses with the images done."""
    order, lengths = np.random.default_rng(seed).permutation(len(train)), np.empty(len(train))
    for first in range(0, len(train), config.batch):
        x, y = _batch(train, order[first : first + config.batch], device)
        adam.zero_grad()
        cross_entropy(network(x), y).backward()
        adam.step()
        yield first + len(x)
    for first in range(0, len(train), config.batch):
        rows = np.arange(first, min(len(train), first + config.batch))
        lengths[rows] = sensitivity(network, *_batch(train, rows, device)).double().cpu().numpy()
        yield len(train) + first + len(rows)
    return lengths


def sensitivity(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """(n,) |d cross-entropy / d x|_2 of each image."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(cross_entropy(network(x), y, reduction="sum"), x)
    return slope.flatten(1).norm(dim=1)


def _batch(train: TrainSplit, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    return torch.tensor(train.pixels(rows), device=device), torch.tensor(train.y[rows], device=device)
