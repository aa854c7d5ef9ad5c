"""Which test images are judged: the same share of each class, and a smaller choice is part of a larger one."""

import numpy as np

from core.types import TestSplit, in_proportion, only_test, stream


def choose(test: TestSplit, images: int, seed: int) -> np.ndarray:
    """Rows of at most `images` test images, the same share of each class, (n,) int64 in random order."""
    only_test(test)
    return in_proportion(test.y, images, stream(seed, "test images"))


def choose_each(test: TestSplit, images: int, seed: int) -> np.ndarray:
    """Rows of as many test images, the same share of each class, ordered by class; (n,) int64."""
    rows = choose(test, images, seed)
    return rows[np.argsort(test.y[rows], kind="stable")]
