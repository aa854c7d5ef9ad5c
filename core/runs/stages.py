"""The stages of a run, one generator each: load, condense, map, train, evaluate.

A stage that finished in an earlier attempt is read from the run's folder instead of repeated. The test
split is handed to `evaluate` and to the look between epochs, and to nothing else.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from core import datasets
from core.compressors import METHODS
from core.errors import DataError
from core.evaluation import evaluate as judging
from core.events import Progress, Work
from core.maps import members, umap
from core.networks import build, restore
from core.networks.statistics import channel_statistics
from core.runs import artifacts, cache, device, inputs, keeping
from core.runs.config import EvaluationConfig, MethodChoice, NetworkChoice, TrainingChoice
from core.runs.job import Job
from core.training import TRAINERS
from core.types import CondensedSet, DataConfig, Dataset, RobustnessReport, TestSplit, TrainedModel, TrainSplit, stream

if TYPE_CHECKING:
    from torch import nn

VALIDATION = 500  # held-out train images at most
LOOKS = 25  # evaluations between epochs at most, evenly spread
KEPT = ("last", "best")


def load(config: DataConfig, job: Job) -> Work[Dataset]:
    """Load a data set, keep it for thumbnails, and note its hash.

    raises  DataError when the data changed since an earlier attempt of the same run
    """
    with keeping.timed(job.ledger, "load"):
        dataset = yield from datasets.load(config, root=job.data)
        before = job.folder / "data.json"
        if before.exists() and artifacts.load_json(before)["hash"] != dataset.hash:
            raise DataError(f"{dataset.name} has changed since this run began: run it again instead of resuming it")
        cache.keep(dataset, job.cache)
        if job.device == "cpu":
            device.share_threads(dataset.train.x[0].size)
        job.ledger.data_hash = dataset.hash
        artifacts.save_json(before, {"hash": dataset.hash, "name": dataset.name, "source": dataset.source})
        return dataset


def condense(choice: MethodChoice, dataset: Dataset, seed: int, job: Job) -> Work[CondensedSet]:
    """Condense the train split, or read what an earlier attempt finished.

    What the method takes besides is found, and refused where it does not fit, before the method begins.
    The whole train split as a condensed set is not stored: it is the data set.
    """
    path = job.folder / "condensed.npz"
    if path.exists():
        yield Progress(stage="condense", done=1, total=1, unit="sets", note="condensed set of the earlier attempt")
        return artifacts.load_condensed(path)
    yield Progress(stage="condense")
    taken, about = yield from inputs.resolve(choice, dataset, seed, job)
    with keeping.timed(job.ledger, "condense"):
        work = METHODS[choice.name].condense(
            dataset.train,
            choice.options,
            n_classes=dataset.n_classes,
            seed=seed,
            device=job.device,
            checkpoint=keeping.checkpoint(job.folder, "condense"),
            **taken,
        )
        made = yield from keeping.keeping(work, job.folder, "condense")
        condensed = replace(made, method=choice.name, info={**made.info, **about})
        keeping.draw(job.folder / keeping.MOSAIC, condensed.x, condensed.y)
        if condensed.assignment is not None:
            artifacts.save_json(job.folder / "certificate.json", _certificate(dataset.train, condensed))
        if condensed.indices is None or len(condensed) < len(dataset.train):
            artifacts.save_condensed(path, condensed)
        keeping.forget(job.folder, "condense")
        return condensed


def _certificate(train: TrainSplit, condensed: CondensedSet) -> dict[str, object]:
    """What the pixels say about a cover, beside what the method says."""
    from core.covering.certificate import certify

    certificate = certify(train, condensed)
    assert certificate.valid, certificate.violations
    return certificate.to_json()


def lay_out(dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[None]:
    """Compute the map and the memberships, and store both as map.npz and members.npz."""
    if (job.folder / "map.npz").exists():
        return
    with keeping.timed(job.ledger, "map"):
        yield Progress(stage="map", total=len(dataset.train), unit="images")
        norm = condensed.norm or "L2"
        whole = condensed.indices is not None and len(condensed) == len(dataset.train)
        if whole:  # every image is its own: nothing to tell
            owner, distance, chosen = np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
        else:
            owner, distance = yield from members.belong(dataset.train, condensed, norm)
            artifacts.save_arrays(
                job.folder / "members.npz", {"owner": owner, "distance": distance, "norm": np.array(norm)}
            )
            chosen = condensed.indices if condensed.indices is not None else np.empty(0, np.int64)
        found = umap.place((yield from _map(dataset, job)), dataset.train, chosen)
        position = {int(row): place for place, row in enumerate(found.rows)}
        arrays = {
            "xy": found.xy,
            "y": dataset.train.y[found.rows],
            "rows": found.rows,
            "total": np.array(len(dataset.train)),
            "centres": np.array([position[int(row)] for row in chosen], np.int64),
            "owner": owner[found.rows] if len(owner) else owner,
            "distance": distance[found.rows] if len(distance) else distance,
            "norm": np.array("" if whole else norm),
            "true_space": np.array(found.true_space),
        }
        artifacts.save_arrays(job.folder / "map.npz", arrays)


def _map(dataset: Dataset, job: Job) -> Work[umap.Map]:
    """The coordinates of this data set, computed once."""
    path = job.cache / dataset.hash / "map.npz"
    if path.exists():
        found = artifacts.load_arrays(path)
        return umap.Map(xy=found["xy"], rows=found["rows"], true_space=bool(found["true_space"]))
    found = yield from umap.embed(dataset.train)
    artifacts.save_arrays(path, asdict(found) | {"true_space": np.array(found.true_space)})
    return found


def part_of(number: int) -> str:
    """What the names of a run's files of one network begin with; those of the first have no number."""
    return f"network-{number + 1}-" if number else ""


def train(
    training: TrainingChoice,
    network: NetworkChoice,
    condensed: CondensedSet,
    train_split: TrainSplit,
    n_classes: int,
    seed: int,
    job: Job,
    part: str = "",
) -> Work[dict[str, TrainedModel]]:
    """Train a network on a condensed set, or read what an earlier attempt finished.

    part  beginning of the names of its files, where a run trains several networks
    Normalisation comes from the real train split; "best" is judged on train images outside the condensed set.
    """
    paths, name = {kept: job.folder / f"{part}{kept}.safetensors" for kept in KEPT}, f"{part}train"
    if all(path.exists() for path in paths.values()):
        yield Progress(stage="train", done=1, total=1, unit="networks", note="network of the earlier attempt")
        return {kept: artifacts.load_model(path) for kept, path in paths.items()}
    with keeping.timed(job.ledger, "train"):
        yield Progress(stage="train", total=training.options.epochs, unit="epochs")
        mean, std = channel_statistics(train_split)
        blank = build(network.name, network.options, train_split.shape, n_classes, mean, std, seed=seed)
        condensed, validation = hold_out(condensed, train_split, training.options.keep, seed)
        work = TRAINERS[training.name].train(
            condensed,
            blank,
            training.options,
            validation=validation,
            seed=seed,
            device=job.device,
            checkpoint=keeping.checkpoint(job.folder, name),
        )
        models = yield from keeping.keeping(work, job.folder, name)
        for kept, path in paths.items():
            artifacts.save_model(path, models[kept])
        keeping.forget(job.folder, name)
        return models


def hold_out(
    condensed: CondensedSet, train_split: TrainSplit, keep: str, seed: int
) -> tuple[CondensedSet, TrainSplit | None]:
    """A stratified part of the train images outside the condensed set, for judging "best".

    When the set is the whole train split and "best" is wanted, the part is taken out of the set first.
    """
    free = np.ones(len(train_split), bool)
    if condensed.indices is not None:
        free[condensed.indices] = False
    if free.any():
        rows = np.flatnonzero(free)
        return condensed, train_split.take(rows[umap.draw(train_split.y[rows], VALIDATION, stream(seed, "held out"))])
    if keep != "best":
        return condensed, None
    part = min(VALIDATION, max(1, len(train_split) // 10))
    rows = umap.draw(train_split.y, part, stream(seed, "held out"))
    rest = np.setdiff1d(np.arange(len(train_split)), rows)
    smaller = CondensedSet(
        x=train_split.pixels(rest), y=train_split.y[rest], n_classes=condensed.n_classes, method=condensed.method
    )
    return smaller, train_split.take(rows)


def watched(
    work: Work[dict[str, TrainedModel]], test: TestSplit, config: EvaluationConfig, seed: int, job: Job
) -> Work[dict[str, TrainedModel]]:
    """Add clean and robust accuracy on test images to the events of training; nothing is chosen by them."""
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as stop:
                return stop.value
            model, event = event.model, replace(event, model=None)
            if model is not None and due(event.done, event.total):
                look = judging.snapshot(model, test, config, seed=seed, device=job.device)
                values = yield from _looking(look, event)
                event = replace(event, values={**event.values, **values})
            yield event
    finally:
        work.close()


def due(epoch: int, epochs: int) -> bool:
    """Whether to look after this epoch: the first, the last, and LOOKS evenly spread ones at most."""
    return epoch in (1, epochs) or epoch % ceil(epochs / LOOKS) == 0


def _looking(look: Work, event: Progress) -> Work[Mapping[str, float]]:
    """Run one look with training's own signs of life; the accuracies it found."""
    while True:
        try:
            next(look)
        except StopIteration as stop:
            if stop.value is None:
                return {}
            clean, robust = stop.value
            found = {"epoch": event.done, "clean_acc": clean.value, "robust_acc": robust.value}
            return {name: float(value) for name, value in {**found, "eval_images": clean.images}.items()}
        yield Progress(stage="train", done=event.done, total=event.total, unit=event.unit)


def evaluate(
    model: TrainedModel, dataset: Dataset, config: EvaluationConfig, seed: int, job: Job
) -> Work[RobustnessReport]:
    """Judge a trained model on test images."""
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        network: nn.Module = restore(model, device=job.device)
        return (
            yield from judging.evaluate(
                network, dataset.test, config, n_classes=dataset.n_classes, seed=seed, device=job.device
            )
        )
