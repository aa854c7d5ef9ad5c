"""Herding: always take the image that brings the mean of those taken nearest to the mean of the class.

Source: Welling 2009, "Herding Dynamical Weights to Learn", doi:10.1145/1553374.1553517; without replacement as in
arXiv:1611.07725 (iCaRL). Means are compared in pixels or in the last features of a network with random weights. The
images are ordered by class and then as they were taken, so that fewer images per class are the first of each.
Cost: ipc products per image of the class, and one forward pass for features.
"""

from collections.abc import Generator
from functools import partial

import numpy as np
import torch

from core.compressors import backbone
from core.compressors.selection.options import Herding as Config
from core.errors import ConfigError
from core.events import Progress, Pulse, Work, pulsing
from core.networks.classifier import Classifier
from core.networks.statistics import channel_statistics
from core.types import CondensedSet, Told, TrainSplit, stream


def condense(
    train: TrainSplit, config: Config, *, n_classes: int, seed: int, device: str, checkpoint: object = None
) -> Work[CondensedSet]:
    """Herd `ipc` images of each class.

    yields   Progress; done and total count classes; value distance, largest distance between the means of a class
    returns  CondensedSet with indices, ordered by class and then as they were taken
    raises   ConfigError when there is nothing to choose from
    """
    if not len(train):
        raise ConfigError("herding needs at least one train image, got none")
    yield Progress(stage="condense", total=n_classes, unit="classes", note=f"comparing {config.features}")
    network = _network(train, config, n_classes, seed, device) if config.features == "network" else None
    chosen, values, pulse = np.empty(0, np.int64), {"distance": 0.0}, Pulse()
    for label in range(n_classes):
        rows = np.flatnonzero(train.y == label)
        work = _of_class(train, rows, config, network, device)
        beat = Progress(stage="condense", done=label, total=n_classes, unit="classes", values=values)
        order, distance = yield from pulsing(work, partial(_still, beat), pulse)
        chosen, values = np.concatenate([chosen, rows[order]]), {"distance": max(values["distance"], distance)}
        yield Progress(
            stage="condense", done=label + 1, total=n_classes, unit="classes", values=values,
            x=train.pixels(chosen), y=train.y[chosen],
        )  # fmt: skip
    info = Told(features=config.features, mean_distance=values["distance"])
    return CondensedSet(
        x=train.pixels(chosen), y=train.y[chosen], n_classes=n_classes, method="herding", indices=chosen, info=info
    )


def _still(beat: Progress, moment: None) -> Progress:
    return beat


def herd(features: np.ndarray, count: int) -> Generator[None, None, np.ndarray]:
    """Choose rows so that the mean of the first t is near the mean of all, greedily in t.

    features  (n, d) float
    count     rows to choose, at most n are
    yields    None after every row
    returns   (min(count, n),) int64, in the order taken; of equally good rows the first
    """
    centred = features - features.mean(0)
    squared = (centred**2).sum(1)
    total, left = np.zeros(centred.shape[1]), np.ones(len(centred), bool)
    chosen: list[int] = []
    for _ in range(min(count, len(centred))):
        # |total + f|^2 but for what all rows share; (t + 1) times the mean that f would give, seen from the class mean
        best = int(np.argmin(np.where(left, squared + 2 * centred @ total, np.inf)))
        chosen.append(best)
        left[best] = False
        total += centred[best]
        yield
    return np.array(chosen, np.int64)


def _of_class(
    train: TrainSplit, rows: np.ndarray, config: Config, network: Classifier | None, device: str
) -> Generator[None, None, tuple[np.ndarray, float]]:
    """Places within `rows`, and the distance between the mean of those and the mean of all."""
    if not len(rows):
        return np.empty(0, np.int64), 0.0
    if network is None:
        features = train.pixels(rows).reshape(len(rows), -1).astype(np.float64)
    else:
        features = yield from _embedded(network, train, rows, config.width, device)
    order = yield from herd(features, config.ipc)
    return order, float(np.linalg.norm(features[order].mean(0) - features.mean(0)))


def _network(train: TrainSplit, config: Config, n_classes: int, seed: int, device: str) -> Classifier:
    return backbone.drawn(
        train.shape, n_classes, channel_statistics(train), width=config.width, depth=config.depth,
        seed=stream(seed, "herding"), device=device,
    ).eval()  # fmt: skip


def _embedded(
    network: Classifier, train: TrainSplit, rows: np.ndarray, width: int, device: str
) -> Generator[None, None, np.ndarray]:
    """(n, d) float64 features of train rows; pauses after every batch."""
    found, size = [], backbone.at_once(train.shape, width, device)
    for start in range(0, len(rows), size):
        with torch.no_grad():
            batch = torch.tensor(train.pixels(rows[start : start + size]), device=device)
            found.append(network.features(batch).double().cpu().numpy())
        yield
    return np.concatenate(found)
