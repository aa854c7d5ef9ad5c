"""The four arrows as plain functions, for a notebook: load, condense, train, evaluate, in this process and at once.

Nothing is stored and nothing is queued; values go in and come out. A run with the same settings and seed gives the same
condensed set. `data` is a Dataset that `load_now` gave, or what it takes: a name in the table, or a path.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.api.workplace import home
from core.compressors import METHODS
from core.datasets import load
from core.engine import device
from core.errors import ConfigError, DataError
from core.evaluation.options import EvaluationConfig
from core.events import Progress, drive
from core.jobs.loading import other_classes
from core.networks.statistics import channel_statistics
from core.settings.run import MethodChoice, NetworkChoice, TrainingChoice
from core.training import TRAINERS
from core.types import CondensedSet, DataConfig, Dataset, Named, Origin, RobustnessReport, TrainedModel

BUILD, RESTORE = Named("core.networks.model:build"), Named("core.networks.model:restore")
EVALUATE = Named("core.evaluation.evaluate:evaluate")

Listener = Callable[[Progress], None]


def silent(event: Progress) -> None:
    """Hear an event and say nothing."""


def load_now(data: str, *, on_event: Listener = silent, **options: Any) -> Dataset:
    """Load a data set by its name or path; options are those of DataConfig, such as `limit`.

    raises  DataError when there is no such data set, or it is malformed
    """
    return drive(load(DataConfig(name=data, **options), root=home() / "data"), on_event)


def condense_now(
    data: Dataset | str, *, method: str, seed: int = 0, on_event: Listener = silent, **options: Any
) -> CondensedSet:
    """Condense the train split.

    method   name in the table of methods; options are those of its Config, such as `ipc`
    options  of a method that begins from a set or learns from a network also take that value itself
    raises   ConfigError for an unknown method or option
    """
    dataset = _loaded(data)
    row = METHODS.get(method)
    given = {name: options.pop(name) for name in row.takes if name in options} if row else {}
    if named := [name for name, value in given.items() if isinstance(value, str) and value]:
        raise ConfigError(
            f"{named[0]} is the set or network itself here, got the name {given[named[0]]!r}: load it first"
        )
    choice = MethodChoice.of(method, **options)
    work = METHODS[choice.name].condense(
        dataset.train,
        choice.options,
        n_classes=dataset.n_classes,
        seed=seed,
        device=device.choose(),
        **{name: value or None for name, value in given.items()},
    )
    made: CondensedSet = drive(work, on_event)
    return replace(made, method=method, origin=Origin.of(dataset))


def train_now(
    data: Dataset | str,
    condensed: CondensedSet,
    *,
    training: str = "standard",
    network: str | NetworkChoice = "convnet",
    seed: int = 0,
    on_event: Listener = silent,
    **options: Any,
) -> TrainedModel:
    """Train a fresh network on a condensed set; the weights of the last epoch.

    data      whose train split normalises the images
    training  name in the table of ways of training; options are those of its Config, such as `epochs`
    network   name in the table of networks, or NetworkChoice.of(name, width=...)
    raises    ConfigError for an unknown name or option, or images that the network refuses
    """
    dataset, chosen = _loaded(data), NetworkChoice.of(network) if isinstance(network, str) else network
    if sentence := other_classes("the condensed set", condensed.origin, dataset):
        raise DataError(sentence)
    recipe = TrainingChoice.of(training, **options)
    if recipe.options.model_dump()["keep"] != "last":
        raise ConfigError("keep best needs images held out before condensing, as a run does: leave keep at last")
    mean, std = channel_statistics(dataset.train)
    blank = BUILD(chosen.name, chosen.options, dataset.train.shape, dataset.n_classes, mean, std, seed=seed)
    work = TRAINERS[recipe.name].train(
        condensed, blank, recipe.options, validation=None, seed=seed, device=device.choose()
    )
    models: dict[str, TrainedModel] = drive(work, on_event)
    return replace(models["last"], origin=condensed.origin if condensed.origin.classes else Origin.of(dataset))


def evaluate_now(
    data: Dataset | str, model: TrainedModel, *, seed: int = 0, on_event: Listener = silent, **options: Any
) -> RobustnessReport:
    """Judge a model on test images; options are those of EvaluationConfig, such as `eps` and `attack`."""
    dataset, here = _loaded(data), device.choose()
    if sentence := other_classes("the model", model.origin, dataset):
        raise DataError(sentence)
    work = EVALUATE(
        RESTORE(model, device=here),
        dataset.test,
        EvaluationConfig(**options),
        n_classes=dataset.n_classes,
        seed=seed,
        device=here,
    )
    report: RobustnessReport = drive(work, on_event)
    return report


def _loaded(data: Dataset | str) -> Dataset:
    return load_now(data) if isinstance(data, str) else data
