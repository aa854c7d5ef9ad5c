"""Toys: two-dimensional points whose covering balls can be drawn to scale.

Points travel as (1, 1, 2) "images" of floats in the unit square, so every method that does not need pixels takes them.
One factor scales both axes and does not depend on the points, so a circle stays one and a ball keeps its shape.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from core.events import Progress, Work
from core.types import DataConfig, Dataset, TestSplit, TrainSplit, stream

POINTS = 1000  # train; as many again for test

# (generator, labels (n,)) -> points (n, 2) in [-1, 1]² but for the tails of the noise, which are clipped
Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def on_circle(angle: np.ndarray) -> np.ndarray:
    """(n,) angles -> (n, 2) points of the unit circle."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def moons(generator: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two interleaved half circles, the second turned round and moved into the first."""
    half = on_circle(np.pi * generator.random(len(y)))
    placed = np.where(y[:, None] == 0, half - [0.5, 0.25], [0.5, 0.25] - half)
    return 0.55 * placed + generator.normal(scale=0.05, size=half.shape)


def circles(generator: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two circles around one centre, the inner one half as large."""
    radius = np.where(y == 0, 0.8, 0.4)[:, None]
    ring = radius * on_circle(2 * np.pi * generator.random(len(y)))
    return ring + generator.normal(scale=0.045, size=ring.shape)


def blobs(generator: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Three Gaussian clouds at fixed places."""
    centres = np.array([[-0.5, -0.4], [0.5, -0.35], [0.0, 0.5]])
    return centres[y] + generator.normal(scale=0.17, size=(len(y), 2))


def spirals(generator: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Three arms of one spiral."""
    along = np.sqrt(generator.random(len(y)))
    arm = 0.85 * along[:, None] * on_circle(3.5 * along + y * 2 * np.pi / 3)
    return arm + generator.normal(scale=0.025, size=arm.shape)


def _load(name: str, draw: Draw, classes: int, config: DataConfig, *, root: Path) -> Work[Dataset]:
    """1,000 train and 1,000 test points, (1, 1, 2) float32 in [0, 1]; drawn from the settings' seed."""
    yield Progress(stage="load", unit="images", note=f"drawing {name}")
    generator = np.random.default_rng(stream(config.seed, name))
    y = generator.permutation(np.arange(2 * POINTS) % classes)
    x = np.clip(0.5 + 0.5 * draw(generator, y), 0, 1).astype(np.float32).reshape(-1, 1, 1, 2)
    return Dataset(
        name=name,
        train=TrainSplit(x=x[:POINTS].copy(), y=y[:POINTS].copy(), levels=0),
        test=TestSplit(x=x[POINTS:].copy(), y=y[POINTS:].copy(), levels=0),
        classes=tuple(f"class {label}" for label in range(classes)),
        source="drawn at random",
    )


load_moons, load_circles = partial(_load, "moons", moons, 2), partial(_load, "circles", circles, 2)
load_blobs, load_spirals = partial(_load, "blobs", blobs, 3), partial(_load, "spirals", spirals, 3)
