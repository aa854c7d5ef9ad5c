"""What a reader wants to know of a data set before using it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.types import Dataset, PixelRange, Understood, stream

MOST_VALUES = 4_000_000  # pixel values of a preview: 16 MB as floats


@dataclass(frozen=True, kw_only=True)
class Description:
    """A data set in numbers.

    shape        (c, h, w) of one image
    train_counts, test_counts   images by class
    low, high    smallest and largest stored value, over both splits
    levels       largest possible stored value; 0 for floats in [0, 1]
    bytes        of all images as they are stored
    layout       the form of the source, in words
    parts        images in train, test and validation, before any limit
    range        what the stored values mean: found, read_as, needs_answer, proposal, sentence
    named        class names in the source that are called otherwise here
    left_out     what of the source takes no part: file and why
    """

    name: str
    hash: str
    source: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...]
    low: float
    high: float
    levels: int
    bytes: int
    notes: tuple[str, ...]
    layout: str
    parts: Mapping[str, int]
    range: Mapping[str, Any]
    named: Mapping[str, str]
    left_out: tuple[Mapping[str, str], ...]

    def to_json(self) -> dict[str, Any]:
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
        shape=dataset.train.shape,
        train_counts=counts[0],
        test_counts=counts[1],
        low=min(float(split.x.min()) for split in splits),
        high=max(float(split.x.max()) for split in splits),
        levels=dataset.train.levels,
        bytes=sum(split.x.nbytes for split in splits),
        notes=dataset.notes,
        **source(dataset.understood or _ready_made(dataset)),
    )


def source(understood: Understood) -> dict[str, Any]:
    """How a source was read, as JSON values; also before a data set could be made of it."""
    return {
        "layout": understood.layout,
        "parts": dict(understood.parts),
        "range": understood.range.to_json(),
        "named": dict(understood.named),
        "left_out": tuple(asdict(left) for left in understood.left_out),
    }


def _ready_made(dataset: Dataset) -> Understood:
    parts = {"train": len(dataset.train), "test": len(dataset.test), "validation": 0}
    ends = [float(end(split.x)) for end in (np.min, np.max) for split in (dataset.train, dataset.test)]
    white = float(dataset.train.levels or 1)
    told = PixelRange(found=(min(ends), max(ends)), read_as=((0.0, white),), sentence="known beforehand")
    return Understood(layout="ready-made", parts=parts, classes=dataset.classes, range=told, notes=dataset.notes)


def preview(dataset: Dataset, per_class: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Some random train images, the same every time: (m, c, h, w) float32 in [0, 1] and (m,) int64.

    Of each class `per_class` at most, and no more than MOST_VALUES pixel values in all: of large images there are
    fewer a class, and of many classes some are shown, evenly spread over the labels.
    """
    generator = np.random.default_rng(stream(0, "preview"))
    labels, most = np.unique(dataset.train.y), max(2, MOST_VALUES // dataset.train.x[0].size)
    each = min(per_class, max(1, most // len(labels)))
    if each * len(labels) > most:
        labels = labels[np.linspace(0, len(labels) - 1, most // each).round().astype(int)]
    rows = [generator.permutation(np.flatnonzero(dataset.train.y == label))[:each] for label in labels]
    index = np.concatenate(rows)
    return dataset.train.pixels(index), dataset.train.y[index]
