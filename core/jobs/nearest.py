"""Job on a condensed set: the nearest-neighbour classifier on it, proven from below and attacked from above."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.nearest import judge as bracket
from core.events import Progress, Work
from core.jobs import keeping, measured
from core.jobs.files import RADII
from core.jobs.kernel import opened
from core.types import NearestReport, Norm


def judge(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Judge the nearest-neighbour classifier on the condensed set in the file `config["condensed"]`."""
    settings, condensed, dataset = yield from opened(config, job)
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        report = yield from bracket(condensed, dataset.test, settings.evaluation, seed=settings.seed)
    artifacts.save_arrays(job.folder / RADII, radii(report, settings.evaluation.norm))
    about = {"model": "nearest neighbour", "method": condensed.method, "budget": len(condensed), "seed": settings.seed}
    found = measured.of_nearest(report, settings.evaluation)
    return measured.of_data(dataset, job) | about | found | {"notes": list(dataset.notes)}


def radii(report: NearestReport, norm: Norm) -> dict[str, np.ndarray]:
    """The list of what is proven, as `certify` reads it: rows of the test split, their radii, the norm."""
    return {"rows": np.array(report.rows, np.int64), "radius": np.array(report.radius), "norm": np.array(norm)}
