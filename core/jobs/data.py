"""Load a data set and say what is in it: counts, sizes, value range, hash, notes, and a preview grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core import datasets
from core.engine.job import Job
from core.events import Work
from core.jobs import keeping, loading, measured
from core.types import DataConfig, Dataset, Understood

PREVIEW = "preview.png"
PREVIEW_PER_CLASS = 10


def data(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Load and describe; a file that cannot be read stays where it is, whoever gave it."""
    settings = DataConfig(**config)
    understood, dataset = yield from loading.understand(settings, job)
    if dataset is None:
        assert understood is not None
        return in_question(understood, Path(settings.name)) | {"out": str(job.folder)}
    x, y = datasets.preview(dataset, PREVIEW_PER_CLASS)
    keeping.draw(job.folder / PREVIEW, x, y)
    return description(dataset) | {"previewed": len(np.unique(y)), "out": str(job.folder)}


def in_question(understood: Understood, path: Path) -> dict[str, Any]:
    """What is known of a source whose black and white are not: everything but pixels, and what would answer."""
    about = {"data": path.stem, "source": str(path), "classes": list(understood.classes)}
    low, high = understood.range.found
    notes = {"notes": list(understood.notes), "minimum": low, "maximum": high}
    return measured.plain(about | notes | datasets.source(understood))


def description(dataset: Dataset) -> dict[str, Any]:
    """Flat JSON values; counts are per class in label order."""
    found = datasets.describe(dataset).to_json()
    renamed = {"data": "name", "data_hash": "hash", "minimum": "low", "maximum": "high"}
    values = measured.plain({name: found.pop(old) for name, old in renamed.items()} | found)
    return values | {
        "rgb": dataset.train.shape[0] == 3,
        "dtype": str(dataset.train.x.dtype),
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
    }
