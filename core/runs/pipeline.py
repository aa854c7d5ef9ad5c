"""Runs composed of stages: all of them, or one at a time for the command line.

load -> condense -> map -> train -> evaluate. Each function is work that returns the result as flat JSON
values; everything else it leaves in the job's folder.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from core.errors import ConfigError, DataError
from core.events import Work
from core.maps.separation import enemies
from core.networks import NETWORKS
from core.runs import artifacts, keeping, stages, summary
from core.runs.config import RunConfig
from core.runs.job import Job
from core.types import CondensedSet, Dataset, TrainedModel

T = TypeVar("T")
MOST_COMPARED = 12_000  # train images of which all pairs are compared for methods that are no cover


def run(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Condense, map, train and evaluate."""
    settings = RunConfig(**config)
    dataset = yield from stages.load(settings.data, job)
    _check_images(settings, dataset)
    condensed = yield from stages.condense(settings.method, dataset, settings.seed, job)
    yield from stages.lay_out(dataset, condensed, job)
    covering = yield from _covering(dataset, condensed, job)
    found = yield from _train_and_evaluate(settings, dataset, condensed, job)
    return _result(settings, dataset, condensed, job) | covering | found | _notes(dataset, found)


def condense(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only condense; network, training and evaluation of the settings are not used."""
    settings = RunConfig(**config)
    dataset = yield from stages.load(settings.data, job)
    condensed = yield from stages.condense(settings.method, dataset, settings.seed, job)
    cover = condensed.assignment is not None and condensed.norm
    classes = (yield from _classes(dataset, condensed, condensed.norm, job)) if cover else {}
    return _result(settings, dataset, condensed, job) | classes | _notes(dataset, {})


def train(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only train, on the condensed set in the file `config["condensed"]`."""
    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    dataset = yield from stages.load(settings.data, job)
    check_fit(path, condensed.x.shape[1:], condensed.n_classes, dataset)
    model = yield from _train(settings, dataset, condensed, job, seed=settings.seed, part="", watch=False)
    return _about_training(settings, dataset, condensed, model, job) | _notes(dataset, {})


def evaluate(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Only evaluate the network in the file `config["model"]`."""
    settings, path = RunConfig(**config["settings"]), Path(config["model"])
    model = artifacts.load_model(path)
    dataset = yield from stages.load(settings.data, job)
    check_fit(path, model.shape, model.n_classes, dataset)
    report = yield from stages.evaluate(model, dataset, settings.evaluation, settings.seed, job)
    found = summary.of_report(report, settings.evaluation)
    kept = {"network": model.network, "kept": model.kept, "kept_epoch": model.epoch}
    about = {"model_run": config.get("run", ""), **kept, "seed": settings.seed}
    return summary.of_data(dataset, job) | about | found | _notes(dataset, found)


def certify(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Verify the cover in the file `config["condensed"]` from the pixels of a data set."""
    from core.covering.certificate import certify as verify

    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    dataset = yield from stages.load(settings.data, job)
    return summary.of_data(dataset, job) | summary.plain(verify(dataset.train, condensed).to_json())


def _train_and_evaluate(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job
) -> Work[dict[str, Any]]:
    """Train and judge every fresh network; the flat numbers are those of the first.

    Each has a seed of its own for weights, batches and attacks on train images. All are judged on the same test images.
    """
    seeds = range(settings.seed, settings.seed + settings.networks)
    models, found = [], []
    for number, seed in enumerate(seeds):
        work = _train(settings, dataset, condensed, job, seed=seed, part=stages.part_of(number), watch=number == 0)
        models.append((yield from _numbered(work, number, len(seeds))))
    for number, model in enumerate(models):
        found.append(
            (yield from _numbered(_judge(settings, dataset, model, job, stages.part_of(number)), number, len(seeds)))
        )
    about = summary.of_training(models[0], settings.network.name, settings.training.name)
    return found[0] | about | summary.of_networks(found, seeds)


def _train(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job, *, seed: int, part: str, watch: bool
) -> Work[TrainedModel]:
    """The model that the settings ask to keep."""
    work = stages.train(
        settings.training, settings.network, condensed, dataset.train, dataset.n_classes, seed, job, part
    )
    if watch:
        work = stages.watched(work, dataset.test, settings.evaluation, settings.seed, job)
    models = yield from work
    return models[settings.training.options.keep]


def _judge(settings: RunConfig, dataset: Dataset, model: TrainedModel, job: Job, part: str) -> Work[dict[str, Any]]:
    """What the evaluation of a model found, or what it had found in an earlier attempt."""
    path = job.folder / f"{part}report.json"
    if path.exists():
        return artifacts.load_json(path)
    report = yield from stages.evaluate(model, dataset, settings.evaluation, settings.seed, job)
    found = summary.of_report(report, settings.evaluation)
    artifacts.save_json(path, found)
    return found


def _numbered(work: Work[T], number: int, networks: int) -> Work[T]:
    """Say in every event which of several networks it is about, and leave the network itself out."""
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as stop:
                return stop.value
            which = f"network {number + 1} of {networks}" if networks > 1 else ""
            yield replace(event, model=None, note=" · ".join(filter(None, (which, event.note))))
    finally:
        work.close()


def _covering(dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[dict[str, Any]]:
    """Distances of train images to their owner and of classes to each other."""
    path = job.folder / "members.npz"
    if not path.exists():
        return {}
    found = artifacts.load_arrays(path)
    classes = yield from _classes(dataset, condensed, str(found["norm"]), job)
    return summary.of_members(found["distance"], str(found["norm"])) | classes


def _classes(dataset: Dataset, condensed: CondensedSet, norm: str, job: Job) -> Work[dict[str, Any]]:
    """The separation, and how many balls of a cover hold another class; computed once per data set and norm.

    On large data it takes a minute, which only covers are worth.
    """
    cover = condensed.assignment is not None
    if not cover and len(dataset.train) > MOST_COMPARED:
        return {"separation": None}
    known = job.cache / dataset.hash / f"enemies-{norm}.npz"
    if not known.exists():
        with keeping.timed(job.ledger, "map"):
            artifacts.save_arrays(known, asdict((yield from enemies(dataset.train, norm))))
    return summary.of_classes(artifacts.load_arrays(known), condensed if cover else None)


def _result(settings: RunConfig, dataset: Dataset, condensed: CondensedSet, job: Job) -> dict[str, Any]:
    return summary.of_condensed(condensed, settings.method, settings.seed) | summary.of_data(dataset, job)


def _about_training(
    settings: RunConfig, dataset: Dataset, condensed: CondensedSet, model: TrainedModel, job: Job
) -> dict[str, Any]:
    about = {"method": condensed.method, "budget": len(condensed), "seed": settings.seed}
    return (
        about
        | summary.of_data(dataset, job)
        | summary.of_training(model, settings.network.name, settings.training.name)
    )


def _notes(dataset: Dataset, found: Mapping[str, Any]) -> dict[str, Any]:
    """What the data set has to say first, then what the evaluation has."""
    return {"notes": [*dataset.notes, *found.get("notes", ())]}


def _check_images(settings: RunConfig, dataset: Dataset) -> None:
    """Refuse a network that cannot take these images, or to augment points, before anything long begins."""
    sentence = NETWORKS[settings.network.name].refuse(settings.network.options, dataset.train.shape)
    if sentence:
        raise ConfigError(sentence)
    if settings.training.options.augment == "auto":
        from core.networks.augment import usual

        usual(dataset.train.shape)


def check_fit(path: Path, shape: tuple[int, ...], n_classes: int, dataset: Dataset) -> None:
    """Refuse a file that was made from other data than these."""
    if tuple(shape) != tuple(dataset.train.shape) or n_classes > dataset.n_classes:
        size, wanted = ("×".join(map(str, s)) for s in (shape, dataset.train.shape))
        raise DataError(
            f"{path.name} was made for {size} images of {n_classes} classes, {dataset.name} has {wanted} images of "
            f"{dataset.n_classes}: choose the data set it was made from"
        )
