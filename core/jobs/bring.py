"""Look at a set that was made elsewhere, and take it once its black and white are known.

The settings are those of a run with the method `imported`; what is left then is what `condense` leaves. While the file
does not tell what black and white are, there is a mosaic of the images as they are proposed to be read, and a question.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.compressors.brought.options import Imported
from core.engine.job import Job
from core.errors import ConfigError
from core.events import Work
from core.jobs import bringing, keeping, loading, measured, stages
from core.settings.run import RunConfig
from core.types import Dataset


def bring(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Read the set, compare it with the data, and leave condensed.npz unless something is to be answered first."""
    settings = RunConfig(**config)
    if settings.method.name != "imported":
        raise ConfigError(f"only the method imported brings a set, got {settings.method.name}")
    options = settings.method.known(Imported)
    dataset = yield from loading.load(settings.data, job)
    path = bringing.place(options.set, job.home)
    found = yield from bringing.looked_at(path, options, dataset)
    told, about = found.pixels.told, bringing.told(path, found)
    counts = np.bincount(found.y, minlength=dataset.n_classes).tolist()
    about |= {"sets": found.sets, "soft": found.soft is not None, "counts": counts, "range": told.to_json()}
    about |= {"outside": found.pixels.outside, "furthest": found.pixels.furthest}
    keeping.draw(job.folder / keeping.MOSAIC, found.pixels.x, found.y)
    base = {"method": "imported", "budget": len(found.y), "seed": settings.seed}
    if told.needs_answer:
        notes = [*dataset.notes, *found.notes, told.sentence]
        return measured.plain(base | measured.of_data(dataset, job) | about | {"notes": notes})
    condensed = yield from stages.condense(settings.method, dataset, settings.seed, job)
    notes = [*dataset.notes, *found.notes, *_few(counts, dataset)]
    made = measured.of_condensed(condensed, settings.method, settings.seed) | measured.of_data(dataset, job)
    return made | measured.plain(about) | {"notes": notes}


def _few(counts: list[int], dataset: Dataset) -> list[str]:
    """A note where classes have no image or other numbers of them, which equal budgets leave unsaid."""
    empty = [name for name, count in zip(dataset.classes, counts, strict=True) if not count]
    if empty:
        return [f"classes without an image in the set: {', '.join(empty[:5])}{' …' if empty[5:] else ''}"]
    if len(set(counts)) > 1:
        return [f"classes have {min(counts)} to {max(counts)} images each"]
    return []
