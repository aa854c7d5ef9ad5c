"""Small clustered classes and their exact answers: what uniform clouds hide, close groups far from each other.

Shared by the tests and by benchmarks/proofs.py. The exact answers come from trying all subsets.
"""

import numpy as np

from core.covering.distances import Metric
from core.types import Norm

NORMS: tuple[Norm, ...] = ("L2", "Linf", "L1")


def clustered(rng: np.random.Generator, levels: int, most: int = 8) -> np.ndarray:
    """(n, d) rows of 3 to `most` images in a few tight groups on a coarse grid, with ties and duplicates.

    levels  255 for grey steps, 0 for floats: then half of the time float32 values, as images are
    """
    n, d, spread = int(rng.integers(3, most + 1)), int(rng.integers(1, 5)), int(rng.integers(0, 5))
    corners = rng.integers(0, 3, (int(rng.integers(1, n + 1)), d)) * int(rng.choice([40, 100, 127]))
    rows = corners[rng.integers(0, len(corners), n)] + rng.integers(-spread, spread + 1, (n, d))
    if rng.random() < 0.2:
        rows[rng.integers(n)] = rows[0]
    rows = np.clip(rows, 0, 255).astype(np.uint8)
    return rows if levels else (rows / 255).astype(rng.choice(["float32", "float64"])).astype(np.float64)


def problem(seed: int, most: int = 8) -> tuple[np.ndarray, Metric, np.random.Generator]:
    """The clustered class of a seed, all norms and both number formats in turn, and the generator to go on with."""
    rng, metric = np.random.default_rng(seed), Metric(NORMS[seed % 3], 0 if seed % 5 < 2 else 255)
    return clustered(rng, metric.levels, most), metric, rng


def smallest_keys(keys: np.ndarray) -> list[float]:
    """The smallest key that k centres reach, for k = 0 (inf), 1, ..., n, from all 2^n subsets."""
    nearest, size = np.full((1, len(keys)), np.inf), np.zeros(1, int)
    for row in keys:
        nearest, size = np.concatenate([nearest, np.minimum(nearest, row)]), np.concatenate([size, size + 1])
    reached = nearest.max(axis=1)
    return [reached[size == k].min().item() for k in range(len(keys) + 1)]


def fewest(best: list[float], threshold: float) -> int:
    """The fewest centres whose balls of a threshold hold everything, from `smallest_keys`."""
    return next(k for k, key in enumerate(best) if key <= threshold)
