"""Networks that are trained first, for a method that learns from them: one teacher, or experts with their whole way.

They are trained by the ordinary trainers on the whole train split, within the run of the method. Their events belong to
its stage "condense"; their seconds and checkpoints have a name of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from core.compressors import METHODS
from core.compressors.matching.trajectory_options import MTT
from core.engine.job import Job
from core.events import Progress, Work, through
from core.jobs import keeping
from core.networks.classifier import Classifier
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.settings.run import MethodChoice, NetworkChoice, TrainingChoice
from core.training import TRAINERS
from core.types import CondensedSet, Dataset, Experts, Input, Origin, TrainedModel, TrainSplit, stream


def recipe(choice: MethodChoice, dataset: Dataset) -> tuple[NetworkChoice, TrainingChoice]:
    """Which network is trained first, and how."""
    teacher = METHODS[choice.name].teacher
    assert teacher is not None, f"the row of {choice.name} takes networks and says of none how it is trained"
    found = teacher(choice.options, dataset.train.shape)
    return NetworkChoice(**found["network"]), TrainingChoice(**found["training"])


def source(choice: MethodChoice, dataset: Dataset, seed: int, job: Job) -> Work[TrainedModel]:
    """Train the network that a method learns from, with weights and batches of its own stream."""
    network, _ = recipe(choice, dataset)
    with keeping.timed(job.ledger, "source"):
        _, work = _training(choice, dataset, stream(seed, "source"), job, keeping.checkpoint(job, "source"))

        def say(event: Progress) -> Progress:
            return _as_condensing(event, "source", event.note or f"training the source: {network.name}")

        models = yield from through(keeping.keeping(work, job, "source"), say)
        keeping.forget(job.folder, "source")
        return models["last"]


def experts(choice: MethodChoice, dataset: Dataset, seed: int, job: Job) -> Work[Experts]:
    """Train several networks one after another, and keep the weights of each after every epoch."""
    network, training = recipe(choice, dataset)
    with keeping.timed(job.ledger, "experts"):
        work = _one_after_another(choice, dataset, seed, job, keeping.checkpoint(job, "experts"))
        weights = yield from keeping.keeping(work, job, "experts")
        keeping.forget(job.folder, "experts")
    mean, std = channel_statistics(dataset.train)
    return Experts(
        network=network.name, options=network.options.model_dump(), shape=dataset.train.shape,
        n_classes=dataset.n_classes, mean=mean, std=std, weights=weights, training=training.name,
        origin=Origin.of(dataset),
    )  # fmt: skip


TAUGHT: Mapping[Input, Callable[[MethodChoice, Dataset, int, Job], Work[TrainedModel] | Work[Experts]]] = {
    "model": source,
    "experts": experts,
}


def _one_after_another(
    choice: MethodChoice, dataset: Dataset, seed: int, job: Job, checkpoint: Mapping[str, np.ndarray] | None
) -> Work[np.ndarray]:
    """The trajectories (k, epochs + 1, p); a checkpoint holds those of the experts that are done."""
    count, epochs = choice.known(MTT).expert_count, choice.known(MTT).expert_epochs
    done = [] if checkpoint is None else list(checkpoint["weights"])
    for number in range(len(done), count):
        blank, work = _training(choice, dataset, stream(seed, "experts", number), job, None)
        way, note = [joined(blank)], f"training expert {number + 1} of {count}: {blank.spec.network}"

        def say(
            event: Progress, before: int = number * epochs, way: list[np.ndarray] = way, note: str = note
        ) -> Progress:
            if event.model is not None:
                way.append(joined(event.model))
            told = _as_condensing(event, "expert", note)
            return replace(told, done=before + event.done, total=count * epochs, state=None)

        yield from through(work, say)
        done.append(np.stack(way))
        yield Progress(
            stage="condense", done=len(done) * epochs, total=count * epochs, unit="epochs",
            state={"weights": np.stack(done)},
        )  # fmt: skip
    return np.stack(done)


def joined(network: nn.Module) -> np.ndarray:
    """(p,) float32: the parameters in their order."""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).cpu().numpy().copy()


def _training(
    choice: MethodChoice, dataset: Dataset, seed: int, job: Job, checkpoint: Mapping[str, np.ndarray] | None
) -> tuple[Classifier, Work[dict[str, TrainedModel]]]:
    """A network as it begins, and the work that trains it in place on the whole train split."""
    (network, training), train = recipe(choice, dataset), dataset.train
    mean, std = channel_statistics(train)
    blank = build(network.name, network.options, train.shape, dataset.n_classes, mean, std, seed=seed)
    work: Work[dict[str, TrainedModel]] = TRAINERS[training.name].train(
        _whole(train, dataset.n_classes), blank, training.options, validation=None, seed=seed, device=job.device,
        checkpoint=checkpoint,
    )  # fmt: skip
    return blank, work


def _whole(train: TrainSplit, n_classes: int) -> CondensedSet:
    rows = np.arange(len(train), dtype=np.int64)
    return CondensedSet(x=train.pixels(), y=train.y, n_classes=n_classes, method="full", indices=rows)


def _as_condensing(event: Progress, who: str, note: str) -> Progress:
    """An event of training as one of the condensation that it is a part of."""
    values = {f"{who}_{name}": value for name, value in event.values.items()}
    return replace(event, stage="condense", values=values, model=None, note=note)
