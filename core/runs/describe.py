"""Load a data set and say what is in it: counts, sizes, value range, hash, notes, and a preview grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import datasets
from core.errors import DataError
from core.events import Work
from core.runs import keeping, stages, summary
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
    x, y = datasets.preview(dataset, PREVIEW_PER_CLASS)
    keeping.draw(job.folder / PREVIEW, x, y)
    return description(dataset) | {"out": str(job.folder)}


def description(dataset: Dataset) -> dict[str, Any]:
    """Flat JSON values; counts are per class in label order."""
    found = datasets.describe(dataset).to_json()
    renamed = {"data": "name", "data_hash": "hash", "minimum": "low", "maximum": "high"}
    values = summary.plain({name: found.pop(old) for name, old in renamed.items()} | found)
    return values | {
        "rgb": dataset.train.shape[0] == 3,
        "dtype": str(dataset.train.x.dtype),
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
    }
