"""Stratified selections at random: every class keeps its share, and a smaller selection is part of a larger one."""

import numpy as np

from core.types.seeds import stream


def in_proportion(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """At most `count` rows with the classes in proportion, (m,) int64 in random order.

    Each class is shuffled once, and rows are taken in the order of their place within their class, relative to the size
    of the class; so with the same seed a smaller selection is the beginning of a larger one.

    y     (n,) int64 labels
    seed  from a stream of its own
    """
    generator, place = np.random.default_rng(seed), np.empty(len(y))
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        place[generator.permutation(rows)] = (np.arange(len(rows)) + generator.random()) / len(rows)
    return np.argsort(place, kind="stable")[:count]


def drawn_part(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The same rows of train images in increasing order; all of them when they are few enough."""
    if len(y) <= count:
        return np.arange(len(y), dtype=np.int64)
    return np.sort(in_proportion(y, count, stream(seed, "map sample")))  # named when it was drawn for maps alone
