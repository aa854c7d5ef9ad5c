"""What a reader wants to know of a data set before using it."""

from dataclasses import asdict, dataclass

import numpy as np

from core.types import Dataset, stream


@dataclass(frozen=True, kw_only=True)
class Description:
    """A data set in numbers.

    shape        (c, h, w) of one image
    train_counts, test_counts   images by class
    low, high    smallest and largest stored value, over both splits
    levels       largest possible stored value; 0 for floats in [0, 1]
    bytes        of all images as they are stored
    """

    name: str
    hash: str
    source: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    low: float
    high: float
    levels: int
    bytes: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def describe(dataset: Dataset) -> Description:
    """Count, measure and identify."""
    splits = (dataset.train, dataset.test)
    counts = [tuple(np.bincount(split.y, minlength=dataset.n_classes).tolist()) for split in splits]
    return Description(
        name=dataset.name,
        hash=dataset.hash,
        source=dataset.source,
        classes=dataset.classes,
        shape=tuple(dataset.train.shape),
        train_counts=counts[0],
        test_counts=counts[1],
        low=min(float(split.x.min()) for split in splits),
        high=max(float(split.x.max()) for split in splits),
        levels=dataset.train.levels,
        bytes=sum(split.x.nbytes for split in splits),
        notes=dataset.notes,
    )


def preview(dataset: Dataset, per_class: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Some random train images of each class: (m, c, h, w) float32 in [0, 1] and (m,) int64, the same every time."""
    generator = np.random.default_rng(stream(0, "preview"))
    labels = np.unique(dataset.train.y)
    rows = [generator.permutation(np.flatnonzero(dataset.train.y == label))[:per_class] for label in labels]
    index = np.concatenate(rows)
    return dataset.train.pixels(index), dataset.train.y[index]
