"""Jobs of the Covering page: solve a cover that can be stopped at any moment and keeps the best one so far.

load -> solve -> check from the pixels -> map -> distance between classes -> overlap -> rivals at equal k. The cover of
the moment is in the folder as a checkpoint whenever it got better. When the job is closed in the middle of the solve
that cover is measured, certified and written with `stopped` set; a process that was killed before it could do so
leaves the checkpoint, and a request to finish asks the next attempt for exactly that.
"""

import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy as np

from core.certificates.nearest import Centres, prove
from core.compressors import METHODS
from core.compressors.selection import mfc
from core.compressors.selection.options import MFC
from core.covering.certificate import certify
from core.covering.distances import Metric, flat, keys_between
from core.covering.graph import row_blocks
from core.covering.rivals import needed, rivals
from core.engine import artifacts, writing
from core.engine.job import Job
from core.errors import ResourceError
from core.evaluation.sample import choose
from core.events import Progress, Work, through, until
from core.jobs import embedded, keeping, loading, mapping, measured
from core.jobs.files import COVER, OVERLAP, RIVALS, SKETCH
from core.settings.run import RunConfig
from core.types import CondensedSet, Dataset, TrainSplit, stream

STAGE = "condense"
SAVE_S = 0.25  # seconds between two checkpoints
PROVEN_IMAGES = 500  # test images whose radius of the nearest neighbour on the centres is proven
MOST_PAIRS = 100_000_000  # images times centres up to which balls of all classes are compared
State = Mapping[str, np.ndarray]
T = TypeVar("T")


def cover(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Cover the train split as `config`, a RunConfig with method mfc, says."""
    settings = RunConfig(**config)
    dataset = yield from loading.load(settings.data, job)
    with keeping.timed(job.ledger, STAGE):
        condensed, found = yield from _solve(settings, dataset, job)
    if (job.folder / "map.npz").exists():
        (job.folder / "map.npz").unlink()  # of an attempt that was stopped at another cover
    yield from mapping.lay_out(dataset, condensed, job)
    (job.folder / SKETCH).unlink(missing_ok=True)
    found |= yield from mapping.classes(dataset, condensed, condensed.balls.norm, job)
    found |= yield from _overlap(dataset.train, condensed, job)
    found |= yield from _nearest(settings, dataset, condensed)
    yield from _rivals(settings, dataset, condensed, job)
    yield from mapping.finish(dataset, job)
    return found | measured.of_data(dataset, job) | {"notes": list(dataset.notes)}


def _solve(settings: RunConfig, dataset: Dataset, job: Job) -> Work[tuple[CondensedSet, dict[str, Any]]]:
    """The best cover, written; the best so far when the work is closed or somebody asks to finish."""
    train, path = dataset.train, keeping.checkpoint_path(job.folder, STAGE)
    earlier = keeping.checkpoint(job, STAGE)
    mapping.sketch(dataset, job)
    if job.finish() and (made := _first(train, earlier, settings, dataset.n_classes)) is not None:
        yield Progress(stage="check", note="checking the cover from its pixels")
        return made, _written(made, settings, dataset, job, stopped=True)
    work = METHODS["mfc"].condense(
        train, settings.method.options, n_classes=dataset.n_classes, seed=settings.seed, device=job.device,
        checkpoint=earlier or embedded.cover_of(dataset.hash, settings.method.options, settings.seed),
    )  # fmt: skip
    watch = _Best(train, job)
    try:
        solved = yield from until(through(work, watch.take), lambda: job.finish() and watch.uncovered == 0)
    except GeneratorExit:
        watch.save()
        made = _first(train, watch.state, settings, dataset.n_classes)
        if made is not None:
            _written(made, settings, dataset, job, stopped=True)
        raise
    if solved is None:
        yield Progress(stage="check", note="checking the cover from its pixels")
        best = _first(train, watch.state, settings, dataset.n_classes)
        assert best is not None, "there is a cover of every class once nothing is uncovered"
        return best, _written(best, settings, dataset, job, stopped=True)
    made = replace(solved, method=settings.method.name)
    found = _written(made, settings, dataset, job, stopped=False)
    path.unlink(missing_ok=True)
    return made, found


class _Best:
    """The cover of the moment: kept on disk, drawn, and told in numbers.

    uncovered  images of classes without a cover yet; a class that has one is covered whole
    """

    def __init__(self, train: TrainSplit, job: Job) -> None:
        self._train, self._folder = train, job.folder
        self.state: State | None = None
        self._saved = self._drawn = 0.0
        self._fresh = False
        self.uncovered, self.without = len(train), len(np.unique(train.y))

    def take(self, event: Progress) -> Progress:
        """The event with what is uncovered, without its arrays."""
        now = time.monotonic()
        if event.state is not None:
            self.state, self._fresh = event.state, True
            covered = np.isin(self._train.y, event.state["labels"])
            self.uncovered, self.without = int((~covered).sum()), len(np.unique(self._train.y[~covered]))
        if now - self._saved >= SAVE_S:
            self.save()
        if event.x is not None and now - self._drawn >= keeping.DRAW_S:
            keeping.draw(self._folder / keeping.MOSAIC, event.x, event.y)
            self._drawn = now
        told = {"uncovered": float(self.uncovered), "classes_without_cover": float(self.without)}
        return replace(event, values={**event.values, **told}, state=None, x=None, y=None)

    def save(self) -> None:
        """Write the state if it is newer than the file."""
        if self._fresh and self.state is not None:
            artifacts.save_arrays(keeping.checkpoint_path(self._folder, STAGE), self.state)
            self._saved, self._fresh = time.monotonic(), False


def _first(train: TrainSplit, state: State | None, settings: RunConfig, n_classes: int) -> CondensedSet | None:
    """The cover of a state, None where a class has none."""
    return None if state is None else mfc.measured(train, state, settings.method.known(MFC), n_classes=n_classes)


def _written(
    condensed: CondensedSet, settings: RunConfig, dataset: Dataset, job: Job, *, stopped: bool
) -> dict[str, Any]:
    """Certify a cover and write it; what is known of it so far as flat values."""
    certificate = certify(dataset.train, condensed)
    keeping.draw(job.folder / keeping.MOSAIC, condensed.x, condensed.y)
    writing.save_json(job.folder / "certificate.json", certificate.to_json())
    artifacts.save_condensed(job.folder / "condensed.npz", condensed)
    found = measured.of_condensed(condensed, settings.method, settings.seed) | measured.of_data(dataset, job)
    asked = settings.method.known(MFC).radius
    found |= {
        "stopped": stopped,
        "fix": "radius" if asked is not None else "budget",
        "radius_asked": asked,
        "valid": certificate.valid,
        "violations": list(certificate.violations),
        "exact": certificate.exact,
        "mean_radius": certificate.mean_radius,
        "train_counts": np.bincount(dataset.train.y, minlength=dataset.n_classes).tolist(),
    }
    writing.save_json(job.folder / COVER, found)
    return found


def _overlap(train: TrainSplit, condensed: CondensedSet, job: Job) -> Work[dict[str, Any]]:
    """How many balls of its own class, and of any, contain each train image.

    `any` is left out where the pairs of images and centres are too many.
    """
    balls, whole = condensed.balls, len(train) * len(condensed) <= MOST_PAIRS
    metric = Metric(balls.norm, train.levels)
    own, every = np.zeros(len(train), np.int64), np.zeros(len(train), np.int64)
    reach = np.array([metric.threshold(radius) for radius in balls.ball_radius.tolist()])
    for label in np.unique(train.y):
        mine = np.flatnonzero(condensed.y == label)
        centres = flat(train.x[balls.indices[mine]], metric)
        rows = np.arange(len(train)) if whole else np.flatnonzero(train.y == label)
        for block in row_blocks(len(rows), len(mine), 64):
            held = (keys_between(flat(train.x[rows[block]], metric), centres, metric) <= reach[mine]).sum(1)
            every[rows[block]] += held
            at = train.y[rows[block]] == label
            own[rows[block][at]] = held[at]
            yield Progress(stage="map", total=len(train), unit="images", note="overlap of the balls")
    artifacts.save_arrays(job.folder / OVERLAP, {"own": own} | ({"any": every} if whole else {}))
    counts = np.bincount(np.minimum(own, 4), minlength=5).tolist()
    shared = {"overlap_other": int((every > own).sum()) if whole else None}
    return {"overlap": counts, **shared}


def _nearest(settings: RunConfig, dataset: Dataset, condensed: CondensedSet) -> Work[dict[str, Any]]:
    """What nearest neighbour on the centres certifies of test images, in the norm of the balls."""
    rows = choose(dataset.test, PROVEN_IMAGES, settings.seed)
    beat = Progress(stage="map", total=len(rows), unit="images", note="what nearest neighbour on the centres certifies")
    work = prove(
        dataset.test.pixels(rows), dataset.test.y[rows], Centres.of(condensed.x, condensed.y), condensed.balls.norm
    )
    radius = (yield from through(work, lambda done: replace(beat, done=done))).radius
    median = float(np.median(radius))
    return {
        "nearest_right": float((radius > 0).mean()), "nearest_median": median if np.isfinite(median) else None,
        "nearest_images": len(rows),
    }  # fmt: skip


def _rivals(settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[None]:
    """Random, k-center and greedy beside this cover, class by class, at equal k and at an equal radius.

    Where the distances of a class would not fit the memory limit, the comparison is left out and says so.
    """
    train, options, balls = dataset.train, settings.method.known(MFC), condensed.balls
    metric, memory = Metric(balls.norm, train.levels), options.memory * 1_000_000
    radius = balls.radius if options.radius is None else options.radius
    table: dict[str, list[dict[str, Any]]] = {name: [] for name in ("random", "k-center", "greedy", "mfc")}
    reached, labels = condensed.info.radius_per_class, np.unique(train.y)
    for done, label in enumerate(labels.tolist()):
        rows, k = flat(train.x[train.y == label], metric), int((condensed.y == label).sum())
        own = stream(settings.seed, "rivals", label)
        beat = Progress(stage="map", done=done, total=len(labels), unit="classes", note="other methods at equal k")
        try:
            found = yield from _beating(rivals(rows, metric, k, metric.threshold(radius), own, memory), beat)
            count = k
            if options.radius is None:
                count = yield from _beating(needed(rows, metric, metric.threshold(radius), own, memory), beat)
        except ResourceError as error:
            writing.save_json(job.folder / RIVALS, {"left_out": str(error)})
            return
        for name, rival in found.items():
            table[name].append(asdict(rival))
        table["mfc"].append({"radius": reached[label], "centres": count})
    about = {"radius": radius, "labels": labels.tolist(), "seed": settings.seed, "norm": balls.norm}
    writing.save_json(job.folder / RIVALS, about | {"table": table, "quick": options.radius is None})


def _beating(work: Generator[None, None, T], beat: Progress) -> Work[T]:
    """Hand a sign of life on for each pause of the work, and its result."""
    return (yield from through(work, lambda _: beat))
