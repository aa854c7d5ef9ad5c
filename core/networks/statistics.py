"""Mean and standard deviation of the train images per channel, for the first layer of every network."""

import numpy as np

from core.types import TrainSplit, only_train

CHUNK = 4096  # images turned to float at a time


def channel_statistics(train: TrainSplit) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per-channel mean and standard deviation of all pixels in [0, 1], summed in float64.

    returns  (mean, std), c floats each; a constant channel gets std 1, as there is nothing to scale
    """
    only_train(train)
    total, square = np.zeros(train.shape[0]), np.zeros(train.shape[0])
    for start in range(0, len(train), CHUNK):
        x = train.pixels(slice(start, start + CHUNK)).astype(np.float64)
        total += x.sum((0, 2, 3))
        square += (x**2).sum((0, 2, 3))
    count = len(train) * train.shape[1] * train.shape[2]
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 0))
    return tuple(mean.tolist()), tuple(np.where(std > 1e-6, std, 1.0).tolist())
