"""The frontier of a data set: radius against centres for every class, achieved and proven, in the cache for all runs.

Small data: every number of centres from 1 up, each class to its end. Larger data: a few numbers with a short search and
short bounds, which says so as `coarse`. The file is cache/<data hash>/frontier-<norm>.npz, one row a class and number.
"""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np

from core.events import Progress, Work
from core.runs import artifacts, keeping, stages
from core.runs.config import RunConfig
from core.runs.job import Job
from core.types import TrainSplit, stream

SMALL = 3_000  # train images up to which the whole frontier is traced
MOST = 100  # centres per class
COARSE = (1, 2, 5, 10, 20, 50, 100)
QUICK = {"steps": 20_000, "rounds": 20, "nodes": 0, "seconds": 20.0}  # effort of each coarse point
COLUMNS = ("label", "k", "radius", "lower", "proven")
Row = tuple[int, int, float, float, bool]


def frontier(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Trace the frontier of the data set and norm of `config`, a RunConfig with method mfc."""
    settings = RunConfig(**config)
    dataset = yield from stages.load(settings.data, job)
    norm, train = settings.method.options.norm, dataset.train
    coarse = len(train) > SMALL
    labels = np.unique(train.y).tolist()
    rows: list[Row] = []
    with keeping.timed(job.ledger, "condense"):
        for done, label in enumerate(labels):
            trace = _coarse if coarse else _whole
            for found in trace(train, norm, label, settings):
                note = f"class {dataset.classes[label]}, {found[-1][1] if found else 1} centres"
                yield Progress(stage="condense", done=done, total=len(labels), unit="classes", note=note)
            rows += found
    columns = dict(zip(COLUMNS, map(np.array, zip(*rows, strict=True)), strict=True))
    about = {"coarse": np.array(coarse), "seed": np.array(settings.seed)}
    artifacts.save_arrays(job.cache / dataset.hash / f"frontier-{norm}.npz", columns | about)
    return {"data_hash": dataset.hash, "norm": norm, "coarse": coarse, "points": len(rows), "seed": settings.seed}


def _whole(train: TrainSplit, norm: str, label: int, settings: RunConfig) -> Iterator[list[Row]]:
    """Rows of one class so far, the last time all of them."""
    from core.covering.distances import Metric, flat
    from core.covering.frontier import frontier as trace
    from core.covering.solve import Effort

    metric = Metric(norm, train.levels)
    effort = Effort(steps=1_000, memory=settings.method.options.memory * 1_000_000)
    work = trace(flat(train.x[train.y == label], metric), metric, MOST, effort, stream(settings.seed, "mfc", label))
    try:
        while True:
            found = next(work)
            yield _rows(found, label)
    except StopIteration as stop:
        yield _rows(stop.value, label)
    finally:
        work.close()


def _rows(found: Any, label: int) -> list[Row]:
    parts = zip(found.radius.tolist(), found.lower.tolist(), found.proven.tolist(), strict=True)
    return [(label, k, *values) for k, values in enumerate(parts, start=1)]


def _coarse(train: TrainSplit, norm: str, label: int, settings: RunConfig) -> Generator[list[Row], None, None]:
    """A few rows of one class with little effort each."""
    from core.covering.distances import Metric, flat
    from core.covering.fixed_budget import cover_budget
    from core.covering.solve import Effort

    metric = Metric(norm, train.levels)
    points = flat(train.x[train.y == label], metric)
    effort, rows = Effort(**QUICK, memory=settings.method.options.memory * 1_000_000), []
    for k in COARSE:
        if k > len(points):
            break
        for step in cover_budget(points, metric, k, effort, stream(settings.seed, "mfc", label)):
            row = (label, k, metric.radius(step.key), metric.radius(step.lower_key), step.proven)
            yield [*rows, row]
        rows.append(row)
    yield rows
