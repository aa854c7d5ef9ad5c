"""The stages of a run that take time, one generator each: condense, train, evaluate.

A stage that finished in an earlier attempt is read from the run's folder instead of repeated. The test
split is handed to `evaluate` and to the look between epochs, and to nothing else.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from core.compressors import METHODS
from core.covering.certificate import certify
from core.engine import artifacts, writing
from core.engine.job import Job
from core.engine.kept import outdated
from core.evaluation.evaluate import evaluate as full_report
from core.evaluation.evaluate import snapshot
from core.evaluation.options import EvaluationConfig
from core.events import Progress, Work, each, through
from core.jobs import embedded, inputs, keeping
from core.networks.model import build, restore
from core.networks.statistics import channel_statistics
from core.settings.run import MethodChoice, NetworkChoice, TrainingChoice
from core.training import TRAINERS
from core.types import CondensedSet, Dataset, Origin, RobustnessReport, TestSplit, TrainedModel, TrainSplit

LOOKS = 25  # evaluations between epochs at most, evenly spread
KEPT = ("last", "best")
MADE_OF_IT = (  # a condensed set
    "members.npz", "map.npz", "*last.safetensors", "*best.safetensors", "*report.json", "checkpoint-*train.npz",
)  # fmt: skip
REFERENCE = "full"  # a set that is the data set: not stored again


def condense(
    choice: MethodChoice, dataset: Dataset, seed: int, job: Job, origin: Origin | None = None
) -> Work[CondensedSet]:
    """Condense the train split, or read what an earlier attempt finished.

    origin  of the whole data set, where the method sees a part of it
    What the method takes besides is found, and refused where it does not fit, before the method begins.
    The whole train split as a condensed set is not stored: it is the data set.
    """
    path, origin = job.folder / "condensed.npz", origin or Origin.of(dataset)
    there = path.exists()
    if (earlier := job.kept(path, artifacts.load_condensed)) is not None:
        yield Progress(stage="condense", done=1, total=1, unit="sets", note="condensed set of the earlier attempt")
        return earlier if earlier.origin.classes else replace(earlier, origin=origin)
    if there:  # what was made of the damaged set may not belong to the new one
        outdated(found for pattern in MADE_OF_IT for found in job.folder.glob(pattern))
    yield Progress(stage="condense")
    taken, about = yield from inputs.resolve(choice, dataset, seed, job)
    with keeping.timed(job.ledger, "condense"):
        known = embedded.cover_of(dataset.hash, choice.options, seed)
        work = METHODS[choice.name].condense(
            dataset.train,
            choice.options,
            n_classes=dataset.n_classes,
            seed=seed,
            device=job.device,
            checkpoint=keeping.checkpoint(job, "condense") or known,
            **taken,
        )
        made = yield from keeping.keeping(work, job, "condense")
        condensed = replace(made, method=choice.name, info=made.info.with_more(**about), origin=origin)
        keeping.draw(job.folder / keeping.MOSAIC, condensed.x, condensed.y)
        if condensed.assignment is not None:
            writing.save_json(job.folder / "certificate.json", _certificate(dataset.train, condensed))
        if choice.name != REFERENCE:
            artifacts.save_condensed(path, condensed)
        keeping.forget(job.folder, "condense")
        return condensed


def _certificate(train: TrainSplit, condensed: CondensedSet) -> dict[str, object]:
    """What the pixels say about a cover, beside what the method says."""
    certificate = certify(train, condensed)
    assert certificate.valid, certificate.violations
    return certificate.to_json()


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
    validation: TrainSplit | None = None,
) -> Work[dict[str, TrainedModel]]:
    """Train a network on a condensed set, or read what an earlier attempt finished.

    part        beginning of the names of its files, where a run trains several networks
    validation  real images that "best" is judged on
    Normalisation comes from the real train split.
    """
    paths, name = {kept: job.folder / f"{part}{kept}.safetensors" for kept in KEPT}, f"{part}train"
    there = any(path.exists() for path in paths.values())
    earlier = {which: job.kept(path, artifacts.load_model) for which, path in paths.items()}
    models = {which: model for which, model in earlier.items() if model is not None}
    if len(models) == len(paths):
        yield Progress(stage="train", done=1, total=1, unit="networks", note="network of the earlier attempt")
        return models
    if there:
        outdated([job.folder / f"{part}report.json"])

    def work() -> Work[dict[str, TrainedModel]]:
        yield Progress(stage="train", total=training.options.epochs, unit="epochs")
        mean, std = channel_statistics(train_split)
        blank = build(network.name, network.options, train_split.shape, n_classes, mean, std, seed=seed)
        training_work = TRAINERS[training.name].train(
            condensed,
            blank,
            training.options,
            validation=validation,
            seed=seed,
            device=job.device,
            checkpoint=keeping.checkpoint(job, name),
        )
        trained = yield from keeping.keeping(training_work, job, name)
        models = {kept: replace(model, origin=condensed.origin) for kept, model in trained.items()}
        for kept, path in paths.items():
            artifacts.save_model(path, models[kept])
        keeping.forget(job.folder, name)
        return models

    return (yield from keeping.counted(work(), job.ledger, "train"))


def watched(
    work: Work[dict[str, TrainedModel]], test: TestSplit, config: EvaluationConfig, seed: int, job: Job
) -> Work[dict[str, TrainedModel]]:
    """Add clean and robust accuracy on test images to the events of training; nothing is chosen by them."""

    def then(event: Progress) -> Work[None]:
        model, event = event.model, replace(event, model=None)
        if model is not None and due(event.done, event.total):
            with keeping.timed(job.ledger, "look"):
                look = snapshot(model, test, config, seed=seed, device=job.device)
                values = yield from _looking(look, event)
            event = replace(event, values={**event.values, **values})
        yield event

    return (yield from each(work, then))


def due(epoch: int, epochs: int) -> bool:
    """Whether to look after this epoch: the first, the last, and LOOKS evenly spread ones at most."""
    return epoch in (1, epochs) or epoch % ceil(epochs / LOOKS) == 0


def _looking(look: Work, event: Progress) -> Work[Mapping[str, float]]:
    """Run one look with training's own signs of life; the accuracies it found."""
    beat = Progress(stage="train", done=event.done, total=event.total, unit=event.unit)
    seen = yield from through(look, lambda _: beat)
    if seen is None:
        return {}
    clean, robust = seen
    found = {"epoch": event.done, "clean_acc": clean.value, "robust_acc": robust.value}
    return {name: float(value) for name, value in {**found, "eval_images": clean.images}.items()}


def evaluate(
    model: TrainedModel, dataset: Dataset, config: EvaluationConfig, seed: int, job: Job
) -> Work[RobustnessReport]:
    """Judge a trained model on test images."""
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        network = restore(model, device=job.device)
        return (
            yield from full_report(
                network, dataset.test, config, n_classes=dataset.n_classes, seed=seed, device=job.device
            )
        )
