"""The frontier of a data set: radius against centres for every class, achieved and proven, in the cache for all runs.

Small data: every number of centres from 1 up, each class to its end. Larger data: a few numbers with a short search and
short bounds, which says so as `coarse`. The file is cache/<data hash>/frontier-<norm>.npz, one row a class and number.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from core.compressors.selection.options import MFC
from core.covering.claims import false_frontier
from core.covering.distances import Metric, flat
from core.covering.fixed_budget import cover_budget
from core.covering.frontier import Frontier
from core.covering.frontier import frontier as traced
from core.covering.solve import QUICK, Effort
from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, Work, through
from core.jobs import keeping, loading
from core.jobs.files import FRONTIER_COLUMNS, FRONTIER_PROOFS
from core.settings.run import RunConfig
from core.types import TrainSplit, stream

SMALL = 3_000  # train images up to which the whole frontier is traced
MOST = 100  # centres per class
COARSE = (1, 2, 5, 10, 20, 50, 100)
Row = tuple[int, int, float, float, bool]


def frontier(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Trace the frontier of the data set and norm of `config`, a RunConfig with method mfc."""
    settings = RunConfig(**config)
    dataset = yield from loading.load(settings.data, job)
    options, train = settings.method.known(MFC), dataset.train
    norm = options.norm
    coarse = len(train) > SMALL
    labels = np.unique(train.y).tolist()
    rows: list[Row] = []
    with keeping.timed(job.ledger, "condense"):
        for done, label in enumerate(labels):
            trace = _coarse if coarse else _whole
            for found in trace(train, options, label, settings.seed):
                note = f"class {dataset.classes[label]}, {found[-1][1] if found else 1} centres"
                yield Progress(stage="condense", done=done, total=len(labels), unit="classes", note=note)
            rows += found
    columns = dict(zip(FRONTIER_COLUMNS, map(np.array, zip(*rows, strict=True)), strict=True))
    about = {"coarse": np.array(coarse), "seed": np.array(settings.seed), "proofs": np.array(FRONTIER_PROOFS)}
    artifacts.save_arrays(job.cache / dataset.hash / f"frontier-{norm}.npz", columns | about)
    return {"data_hash": dataset.hash, "norm": norm, "coarse": coarse, "points": len(rows), "seed": settings.seed}


def _whole(train: TrainSplit, options: MFC, label: int, seed: int) -> Iterator[list[Row]]:
    """Rows of one class so far, the last time all of them."""
    metric = Metric(options.norm, train.levels)
    effort = Effort(steps=1_000, memory=options.memory * 1_000_000)
    points = flat(train.x[train.y == label], metric)
    work = traced(points, metric, MOST, effort, stream(seed, "mfc", label))
    found = yield from through(work, lambda so_far: _rows(so_far, label))
    faults = false_frontier(points, metric, found)
    assert not faults, faults
    yield _rows(found, label)


def _rows(found: Frontier, label: int) -> list[Row]:
    parts = zip(found.radius.tolist(), found.lower.tolist(), found.proven.tolist(), strict=True)
    return [(label, k, *values) for k, values in enumerate(parts, start=1)]


def _coarse(train: TrainSplit, options: MFC, label: int, seed: int) -> Generator[list[Row], None, None]:
    """A few rows of one class with little effort each."""
    metric = Metric(options.norm, train.levels)
    points = flat(train.x[train.y == label], metric)
    effort = replace(QUICK, memory=options.memory * 1_000_000)
    rows: list[Row] = []
    for k in COARSE:
        if k > len(points):
            break
        for step in cover_budget(points, metric, k, effort, stream(seed, "mfc", label)):
            row = (label, k, metric.radius(step.key), metric.radius(step.lower_key), step.proven)
            yield [*rows, row]
        rows.append(row)
    yield rows
