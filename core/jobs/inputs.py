"""What a method takes besides the train split: a stored condensed set, or a trained network.

An option such as `start` or `source` names a finished run or a file. It is read and compared with the data before the
method begins, and copied into the run's folder, so that resuming needs neither the other run nor the file. Where a
network is wanted and none is named, one is trained first on the whole train split, within the same run.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.compressors import METHODS
from core.compressors.brought.options import Imported
from core.engine import artifacts
from core.engine.job import Job
from core.errors import ConfigError, RunError
from core.events import Progress, Work, through
from core.jobs import bringing, keeping, loading
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.settings.run import MethodChoice, NetworkChoice, TrainingChoice
from core.training import TRAINERS
from core.types import CondensedSet, Dataset, Input, TrainedModel, TrainSplit, stream

FILES: Mapping[Input, str] = {
    "condensed": "condensed.npz",
    "model": "best.safetensors",
    "brought": "condensed.npz",
}  # what a finished run leaves
READ: Mapping[Input, Callable[[Path], CondensedSet | TrainedModel]] = {
    "condensed": artifacts.load_condensed,
    "model": artifacts.load_model,
    "brought": artifacts.load_condensed,
}
WORDS: Mapping[Input, str] = {
    "condensed": "a condensed set",
    "model": "a trained network",
    "brought": "a set",
}
STAGE = "source"  # names its checkpoint and its seconds; its events belong to "condense"

Taken = CondensedSet | TrainedModel


def resolve(
    choice: MethodChoice, dataset: Dataset, seed: int, job: Job
) -> Work[tuple[dict[str, Taken | None], dict[str, Any]]]:
    """Everything a method takes, by the name of its option.

    yields   Progress of stage "condense" while a network is trained first
    returns  the keywords for condense, and what the result should say of them
    raises   RunError when there is no such run or file, ConfigError when it was made for other data
    """
    taken: dict[str, Taken | None] = {}
    about: dict[str, Any] = {}
    for name, kind in METHODS[choice.name].takes.items():
        value = getattr(choice.options, name)
        kept = job.folder / f"{name}{Path(FILES[kind]).suffix}"
        if (earlier := job.kept(kept, READ[kind])) is not None:
            found = earlier
        elif kind == "brought":
            found = yield from _brought(name, value, choice, dataset, job)
            _keep(kept, found)
        elif value:
            found = READ[kind](find(name, value, kind, job.home))
            refuse_unfit(name, value, found, dataset)
            _keep(kept, found)
        elif kind == "condensed":
            taken[name] = None
            continue
        else:
            found = yield from _teach(choice, dataset, seed, job)
            _keep(kept, found)
        taken[name] = found
        about |= _about(name, value, found, choice, dataset)
    return taken, about


def _brought(name: str, value: str, choice: MethodChoice, dataset: Dataset, job: Job) -> Work[CondensedSet]:
    found = yield from bringing.made(bringing.place(value, job.home), choice.known(Imported), dataset)
    refuse_unfit(name, value, found, dataset)
    return found


def _keep(path: Path, taken: Taken) -> None:
    if isinstance(taken, CondensedSet):
        artifacts.save_condensed(path, taken)
    else:
        artifacts.save_model(path, taken)


def find(name: str, value: str, kind: Input, home: Path) -> Path:
    """The file behind a run's id or a path.

    raises  RunError that says what would be accepted
    """
    folder = home / "runs" / value
    if Path(value).name == value and folder.is_dir():
        if (folder / FILES[kind]).exists():
            return folder / FILES[kind]
        raise RunError(f"{name}: run {value} has left no {FILES[kind]}: choose a finished run with {WORDS[kind]}")
    if Path(value).is_file():
        return Path(value)
    raise RunError(
        f"{name} must name a finished run or a file with {WORDS[kind]}, there is no {value!r}: `runs` lists the runs"
    )


def refuse_unfit(name: str, value: str, taken: Taken, dataset: Dataset) -> None:
    """Refuse a set or a network of other images, or of another number of classes."""
    if sentence := loading.other_classes(f"{name} {value}", taken.origin, dataset):
        raise ConfigError(sentence)
    shape = taken.shape if isinstance(taken, TrainedModel) else taken.x.shape[1:]
    if tuple(shape) == tuple(dataset.train.shape) and taken.n_classes == dataset.n_classes:
        return
    size, wanted = ("×".join(map(str, s)) for s in (shape, dataset.train.shape))
    raise ConfigError(
        f"{name} {value} was made for {size} images of {taken.n_classes} classes, {dataset.name} has {wanted} images "
        f"of {dataset.n_classes}: choose one made from the same kind of data"
    )


def _teach(choice: MethodChoice, dataset: Dataset, seed: int, job: Job) -> Work[TrainedModel]:
    """Train the network that a method learns from, with weights and batches of its own stream."""
    network, training = _recipe(choice, dataset)
    own, train = stream(seed, "source"), dataset.train
    with keeping.timed(job.ledger, STAGE):
        mean, std = channel_statistics(train)
        blank = build(network.name, network.options, train.shape, dataset.n_classes, mean, std, seed=own)
        work = TRAINERS[training.name].train(
            _whole(train, dataset.n_classes),
            blank,
            training.options,
            validation=None,
            seed=own,
            device=job.device,
            checkpoint=keeping.checkpoint(job, STAGE),
        )
        models = yield from _told(keeping.keeping(work, job, STAGE), f"training the source: {network.name}")
        keeping.forget(job.folder, STAGE)
        return models["last"]


def _recipe(choice: MethodChoice, dataset: Dataset) -> tuple[NetworkChoice, TrainingChoice]:
    """Which network is trained first, and how."""
    teacher = METHODS[choice.name].teacher
    assert teacher is not None, f"the row of {choice.name} takes a model and says of none how it is trained"
    recipe = teacher(choice.options, dataset.train.shape)
    return NetworkChoice(**recipe["network"]), TrainingChoice(**recipe["training"])


def _whole(train: TrainSplit, n_classes: int) -> CondensedSet:
    rows = np.arange(len(train), dtype=np.int64)
    return CondensedSet(x=train.pixels(), y=train.y, n_classes=n_classes, method="full", indices=rows)


def _told(work: Work[dict[str, TrainedModel]], note: str) -> Work[dict[str, TrainedModel]]:
    """Events of training as events of the condensation they are a part of."""

    def say(event: Progress) -> Progress:
        values = {f"source_{name}": value for name, value in event.values.items()}
        return replace(event, stage="condense", values=values, model=None, note=event.note or note)

    return (yield from through(work, say))


def _about(name: str, value: str, taken: Taken, choice: MethodChoice, dataset: Dataset) -> dict[str, Any]:
    """What the result says of an input: where it is from, and of a network what it is and how it was trained."""
    if isinstance(taken, CondensedSet):
        return {name: value, f"{name}_method": taken.method}
    found: dict[str, Any] = {name: value or "trained first, on the whole train split", f"{name}_network": taken.network}
    if not value:
        _, training = _recipe(choice, dataset)
        found |= {f"{name}_training": training.name, f"{name}_epochs": taken.epoch}
        found |= {f"{name}_{part}": v for part in ("norm", "eps") if (v := getattr(training.options, part, None))}
    return found
