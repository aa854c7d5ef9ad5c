"""Stratified selections: which rows make the test part, which rows stay under a limit per class."""

import numpy as np

from core.types import stream


def stratified(y: np.ndarray, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into train and test, each class alike.

    y        (n,) int64 labels
    share    part of each class that goes to test; at least one image of a class with two or more
    returns  two sorted (.,) int64 arrays of rows; a class with one image stays in train
    """
    generator = np.random.default_rng(stream(seed, "test split"))
    chosen = []
    for label in np.unique(y):
        rows = generator.permutation(np.flatnonzero(y == label))
        count = min(max(1, round(share * len(rows))), len(rows) - 1)
        chosen.append(rows[:count])
    test = np.sort(np.concatenate(chosen))
    return np.setdiff1d(np.arange(len(y)), test), test


def limited(y: np.ndarray, limit: int, *, seed: int) -> np.ndarray:
    """Rows of at most `limit` images of each class, drawn at random, in their original order, (m,) int64."""
    generator = np.random.default_rng(stream(seed, "limit"))
    rows = [generator.permutation(np.flatnonzero(y == label))[:limit] for label in np.unique(y)]
    return np.sort(np.concatenate(rows))
