"""Train images kept apart by a method for its own live accuracies."""

import numpy as np

MOST = 0.2  # of each class, so that none is left without images


def apart(y: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows held out, the same share of every class, `count` in all or fewer.

    y        (n,) int64 labels
    returns  two increasing int64 arrays
    """
    order = np.random.default_rng(seed).permutation(len(y))
    share, kept = min(count / max(1, len(y)), MOST), np.ones(len(y), bool)
    for label in np.unique(y):
        members = order[y[order] == label]
        kept[members[: int(share * len(members))]] = False
    return np.flatnonzero(kept), np.flatnonzero(~kept)
