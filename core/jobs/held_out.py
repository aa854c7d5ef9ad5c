"""Real images kept apart to judge "best" weights by, so that neither the method nor the training has seen them.

A coreset leaves images over: the judged ones are drawn from those. A synthetic method learns from every image it is
given, so a part is taken out of the train split before it begins; of the whole train split as a set, before training.
"""

from dataclasses import replace

import numpy as np

from core.compressors import METHODS
from core.settings.run import RunConfig
from core.types import CondensedSet, Dataset, TrainSplit, drawn_part, only_train, stream

MOST, SHARE = 500, 10  # images at most, and at most one of so many


def before(settings: RunConfig, train: TrainSplit) -> np.ndarray:
    """Rows that a synthetic method must not see, int64; none unless "best" is to be judged."""
    only_train(train)
    if settings.training.options.keep != "best" or METHODS[settings.method.name].kind != "synthetic":
        return np.empty(0, np.int64)
    return _part(train, settings.seed)


def seen(dataset: Dataset, held: np.ndarray) -> Dataset:
    """The data set as a method sees it, without the rows held out."""
    if not len(held):
        return dataset
    return replace(dataset, train=dataset.train.take(np.setdiff1d(np.arange(len(dataset.train)), held)))


def after(
    condensed: CondensedSet, train: TrainSplit, held: np.ndarray, keep: str, seed: int
) -> tuple[CondensedSet, TrainSplit | None]:
    """The set to train on, and the images to judge "best" by; None for those when nothing is judged.

    held  rows that were taken out before condensing
    """
    only_train(train)
    if keep != "best":
        return condensed, None
    if len(held):
        return condensed, train.take(held)
    assert condensed.indices is not None, "a synthetic method that saw every image leaves none to judge by"
    rows = np.setdiff1d(np.arange(len(train)), condensed.indices)
    if len(rows):
        return condensed, train.take(rows[drawn_part(train.y[rows], MOST, stream(seed, "held out"))])
    rows = _part(train, seed)
    rest = np.setdiff1d(np.arange(len(train)), rows)
    smaller = CondensedSet(
        x=train.pixels(rest),
        y=train.y[rest],
        n_classes=condensed.n_classes,
        method=condensed.method,
        origin=condensed.origin,
    )
    return smaller, train.take(rows)


def _part(train: TrainSplit, seed: int) -> np.ndarray:
    """A stratified tenth of the train split, at most MOST rows."""
    return drawn_part(train.y, min(MOST, max(1, len(train) // SHARE)), stream(seed, "held out"))
