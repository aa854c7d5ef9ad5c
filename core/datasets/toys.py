"""Toys: two-dimensional points whose covering balls can be drawn to scale.

Points are scaled into the unit square with a margin and travel as (1, 1, 2) "images" of floats, so every method that
does not need pixels takes them. Moons, circles and blobs come from scikit-learn; spirals are drawn here.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from core.events import Progress, Work
from core.types import DataConfig, Dataset, TestSplit, TrainSplit, stream

POINTS = 1000  # train; as many again for test
MARGIN = 0.05  # empty border of the unit square

Draw = Callable[[int, int], tuple[np.ndarray, np.ndarray]]


def moons(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles."""
    from sklearn.datasets import make_moons

    return make_moons(points, noise=0.1, random_state=seed)


def circles(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two concentric circles."""
    from sklearn.datasets import make_circles

    return make_circles(points, noise=0.06, factor=0.5, random_state=seed)


def blobs(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian clouds at fixed places."""
    from sklearn.datasets import make_blobs

    centers = np.array([[0.0, 0.0], [4.0, 0.5], [1.8, 3.5]])
    return make_blobs(points, centers=centers, cluster_std=0.8, random_state=seed)


def spirals(points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three arms of one spiral."""
    generator = np.random.default_rng(seed)
    y = np.arange(points) % 3
    along = np.sqrt(generator.random(points))
    angle = 3.5 * along + y * 2 * np.pi / 3
    x = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return x + generator.normal(scale=0.03, size=x.shape), y


def _load(name: str, draw: Draw, config: DataConfig, *, root: Path) -> Work[Dataset]:
    """1,000 train and 1,000 test points, (1, 1, 2) float32 in [0, 1]; drawn from the settings' seed."""
    yield Progress(stage="load", unit="images", note=f"drawing {name}")
    x, y = draw(2 * POINTS, stream(config.seed, name) % 2**32)
    low, high = x.min(0), x.max(0)
    x = MARGIN + (1 - 2 * MARGIN) * (x - low) / (high - low)
    x, y = x.astype(np.float32).reshape(-1, 1, 1, 2), y.astype(np.int64)
    return Dataset(
        name=name,
        train=TrainSplit(x=x[:POINTS].copy(), y=y[:POINTS].copy(), levels=0),
        test=TestSplit(x=x[POINTS:].copy(), y=y[POINTS:].copy(), levels=0),
        classes=tuple(f"class {label}" for label in range(int(y.max()) + 1)),
        source="drawn at random",
    )


load_moons, load_circles = partial(_load, "moons", moons), partial(_load, "circles", circles)
load_blobs, load_spirals = partial(_load, "blobs", blobs), partial(_load, "spirals", spirals)
