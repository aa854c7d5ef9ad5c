"""Load a data set and say what is in it: counts, sizes, value range, hash, notes, and a preview grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DataError
from core.events import Work
from core.runs import keeping, stages
from core.runs.job import Job
from core.types import DataConfig, Dataset

PREVIEW = "preview.png"
PREVIEW_PER_CLASS = 10
UPLOADS = "uploads"  # folder under data/ that holds our copies of what was uploaded


def data(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Load and describe; an uploaded file that turns out to be unusable is removed again."""
    settings = DataConfig(**config)
    try:
        dataset = yield from stages.load(settings, job)
    except DataError:
        path = Path(settings.name)
        if path.parent == job.data / UPLOADS:
            path.unlink(missing_ok=True)
        raise
    shown = np.concatenate([np.flatnonzero(dataset.train.y == c)[:PREVIEW_PER_CLASS] for c in range(dataset.n_classes)])
    keeping.draw(job.folder / PREVIEW, dataset.train.pixels(shown), dataset.train.y[shown])
    return description(dataset) | {"out": str(job.folder)}


def description(dataset: Dataset) -> dict[str, Any]:
    """Flat JSON values; counts are per class in label order."""
    train, test = dataset.train, dataset.test
    low, high = float(train.x.min()), float(train.x.max())
    return {
        "data": dataset.name,
        "source": dataset.source,
        "data_hash": dataset.hash,
        "classes": list(dataset.classes),
        "shape": list(train.shape),
        "rgb": train.shape[0] == 3,
        "train_images": len(train),
        "test_images": len(test),
        "train_counts": np.bincount(train.y, minlength=dataset.n_classes).tolist(),
        "test_counts": np.bincount(test.y, minlength=dataset.n_classes).tolist(),
        "dtype": str(train.x.dtype),
        "levels": train.levels,
        "minimum": low,
        "maximum": high,
        "notes": list(dataset.notes),
    }
