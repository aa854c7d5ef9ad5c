"""Runs composed of stages: all of them, or one at a time for the command line.

load -> condense -> quick map -> train -> evaluate -> map, where that takes long. Each function is work that returns the
result as flat JSON values; everything else it leaves in the job's folder.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.engine import artifacts, writing
from core.engine.job import Job
from core.errors import ConfigError, DataError
from core.evaluation import nearest
from core.events import Progress, Work, through
from core.jobs import explained, held_out, keeping, loading, mapping, measured, plane, prove, stages
from core.jobs.files import RADII, SO_FAR
from core.jobs.nearest import radii
from core.networks.augment import usual
from core.networks.model import restore
from core.settings.identity import digest
from core.settings.run import RunConfig, unsuited
from core.types import CondensedSet, Dataset, Norm, Origin, TrainedModel, TrainSplit, as_norm, stream

T = TypeVar("T")
MOST_CENTRES = 2_000  # condensed images of which all pairs are compared for the nearest-neighbour classifier
MOST_COMPARED = 12_000  # train images of which all pairs are compared for methods that are no cover


def run(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Condense, train, evaluate and map."""
    settings = RunConfig(**config)
    dataset = yield from loading.load(settings.data, job)
    _check_images(settings, dataset)
    held = held_out.before(settings, dataset.train)
    seen, origin = held_out.seen(dataset, held), Origin.of(dataset)
    condensed = yield from stages.condense(settings.method, seen, settings.seed, job, origin)
    yield from mapping.lay_out(dataset, condensed, job)
    covering = yield from _covering(dataset, condensed, job)
    found = yield from _train_and_evaluate(settings, dataset, condensed, held, job)
    short = [*measured.of_short_classes(dataset, condensed, settings.method), *measured.of_brought(condensed)]
    notes = _notes(dataset, {"notes": [*short, *found.get("notes", ())]})
    found = covering | found | notes
    writing.save_json(job.folder / SO_FAR, _result(settings, dataset, condensed, job) | found)
    beside = yield from _nearest(settings, dataset, condensed, job)
    yield from mapping.finish(dataset, job)
    (job.folder / SO_FAR).unlink()
    return _result(settings, dataset, condensed, job) | found | beside


def condense(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only condense; network, training and evaluation of the settings are not used."""
    settings = RunConfig(**config)
    dataset = yield from loading.load(settings.data, job)
    condensed = yield from stages.condense(settings.method, dataset, settings.seed, job)
    norm = condensed.norm if condensed.assignment is not None else None
    classes = (yield from _classes(dataset, condensed, norm, job)) if norm else {}
    short = [*measured.of_short_classes(dataset, condensed, settings.method), *measured.of_brought(condensed)]
    return _result(settings, dataset, condensed, job) | classes | _notes(dataset, {"notes": short})


def train(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only train, on the condensed set in the file `config["condensed"]`."""
    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, condensed, dataset)
    condensed = condensed if condensed.origin.classes else replace(condensed, origin=Origin.of(dataset))
    if settings.training.options.keep == "best" and condensed.indices is None:
        raise ConfigError(
            f"{path.name} does not say which train images it was made of, so none can be held out to judge best "
            "weights by: choose keep last, or train within the run that condenses"
        )
    condensed, validation = held_out.after(
        condensed, dataset.train, np.empty(0, np.int64), settings.training.options.keep, settings.seed
    )
    model = yield from _train(settings, dataset, condensed, validation, job, seed=settings.seed, part="", watch=False)
    return _about_training(settings, dataset, condensed, model, job) | _notes(dataset, {})


def evaluate(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only evaluate the network in the file `config["model"]`."""
    settings, path = RunConfig(**config["settings"]), Path(config["model"])
    model = artifacts.load_model(path)
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, model, dataset)
    report = yield from stages.evaluate(model, dataset, settings.evaluation, settings.seed, job)
    found = measured.of_report(report, settings.evaluation)
    kept = {"network": model.network, "kept": model.kept, "kept_epoch": model.epoch}
    about = {"model_run": config.get("run", ""), **kept, "seed": settings.seed}
    return measured.of_data(dataset, job) | about | found | _notes(dataset, found)


def _train_and_evaluate(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, held: np.ndarray, job: Job
) -> Work[dict[str, Any]]:
    """Train and judge every fresh network; the flat numbers are those of the first.

    Each has a seed of its own for weights, batches and attacks on train images. All are judged on the same test images.
    """
    seeds = network_seeds(settings.seed, settings.networks)
    keep = settings.training.options.keep
    condensed, validation = held_out.after(condensed, dataset.train, held, keep, settings.seed)
    models, found = [], []
    for number, seed in enumerate(seeds):
        work = _train(
            settings, dataset, condensed, validation, job, seed=seed, part=stages.part_of(number), watch=number == 0
        )
        models.append((yield from _numbered(work, number, len(seeds))))
    for number, model in enumerate(models):
        found.append(
            (yield from _numbered(_judge(settings, dataset, model, job, stages.part_of(number)), number, len(seeds)))
        )
    if plane.in_plane(dataset):
        plane.draw(models[0], dataset, settings.evaluation, settings.seed, job)
    about = measured.of_training(models[0], settings.network.name, settings.training.name)
    if settings.training.name == "ibp":
        network = restore(models[0], device=job.device)
        about |= yield from prove.intervals(settings, network, dataset, job)
    return found[0] | about | measured.of_networks(found, seeds)


def _nearest(settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[dict[str, Any]]:
    """The nearest-neighbour classifier on the set, on the test images that the networks are judged on."""
    if len(condensed) > MOST_CENTRES:
        return {"nearest": None}
    with keeping.timed(job.ledger, "evaluate"):
        report = yield from nearest.judge(condensed, dataset.test, settings.evaluation, seed=settings.seed)
        artifacts.save_arrays(job.folder / RADII, radii(report, settings.evaluation.norm))
        yield from explained.keep(condensed, dataset, job)
    return {"nearest": measured.of_nearest(report, settings.evaluation)}


def network_seeds(seed: int, networks: int) -> list[int]:
    """A seed for each fresh network: the run's own, then streams that no run of another seed shares."""
    return [seed, *(stream(seed, "network", number) % 2**31 for number in range(1, networks))]


def _train(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, validation: TrainSplit | None, job: Job, *,
    seed: int, part: str, watch: bool,
) -> Work[TrainedModel]:  # fmt: skip
    """The model that the settings ask to keep."""
    work = stages.train(
        settings.training,
        settings.network,
        condensed,
        dataset.train,
        dataset.n_classes,
        seed,
        job,
        part,
        validation,
    )
    if watch:
        work = stages.watched(work, dataset.test, settings.evaluation, settings.seed, job)
    models = yield from work
    return models[settings.training.options.keep]


def _judge(settings: RunConfig, dataset: Dataset, model: TrainedModel, job: Job, part: str) -> Work[dict[str, Any]]:
    """What the evaluation of a model found, or what it had found in an earlier attempt."""
    path = job.folder / f"{part}report.json"
    if (earlier := job.kept(path, _report)) is not None:
        return earlier
    report = yield from stages.evaluate(model, dataset, settings.evaluation, settings.seed, job)
    found = measured.of_report(report, settings.evaluation)
    if (images := report.verdicts) is not None:
        verdicts = {"rows": images.rows, "right": images.right, "standing": images.standing}
        artifacts.save_arrays(job.folder / f"{part}verdicts.npz", verdicts)
    writing.save_json(path, found | {"checksum": digest(found)})
    return found


def _report(path: Path) -> dict[str, Any]:
    """What a report says, as it was written.

    raises  DataError when something in it changed since
    """
    found: dict[str, Any] = artifacts.load_json(path)
    if found.pop("checksum", None) not in (None, digest(found)):  # reports of earlier versions have none
        raise DataError(f"the numbers in {path.name} are not those that were written: evaluate again")
    return found


def _numbered(work: Work[T], number: int, networks: int) -> Work[T]:
    """Say in every event which of several networks it is about, and leave the network itself out."""
    which = f"network {number + 1} of {networks}" if networks > 1 else ""

    def say(event: Progress) -> Progress:
        return replace(event, model=None, note=" · ".join(filter(None, (which, event.note))))

    return (yield from through(work, say))


def _covering(dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[dict[str, Any]]:
    """Distances of train images to their owner and of classes to each other."""
    found = job.kept(job.folder / "members.npz", artifacts.load_arrays)
    if found is None:
        return {}
    norm = as_norm(str(found["norm"]))
    classes = yield from _classes(dataset, condensed, norm, job)
    return measured.of_members(found["distance"], norm) | classes


def _classes(dataset: Dataset, condensed: CondensedSet, norm: Norm, job: Job) -> Work[dict[str, Any]]:
    """The separation, and how many balls of a cover hold another class.

    On large data it takes a minute, which only covers are worth.
    """
    cover = condensed.assignment is not None
    if not cover and len(dataset.train) > MOST_COMPARED:
        return {"separation": None}
    return (yield from mapping.classes(dataset, condensed if cover else None, norm, job))


def _result(settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job) -> dict[str, Any]:
    return measured.of_condensed(condensed, settings.method, settings.seed) | measured.of_data(dataset, job)


def _about_training(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, model: TrainedModel, job: Job
) -> dict[str, Any]:
    about = {"method": condensed.method, "budget": len(condensed), "seed": settings.seed}
    return (
        about
        | measured.of_data(dataset, job)
        | measured.of_training(model, settings.network.name, settings.training.name)
    )


def _notes(dataset: Dataset, found: Mapping[str, Any]) -> dict[str, Any]:
    """What the data set has to say first, then what the evaluation has."""
    return {"notes": [*dataset.notes, *found.get("notes", ())]}


def _check_images(settings: RunConfig, dataset: Dataset) -> None:
    """Refuse a network that cannot take these images, or to augment points, before anything long begins."""
    sentence = unsuited(settings) or settings.network.options.refuse(dataset.train.shape)
    if sentence:
        raise ConfigError(sentence)
    if settings.training.options.augment == "auto":
        usual(dataset.train.shape)
