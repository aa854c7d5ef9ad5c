"""What a method takes besides the train split: a stored condensed set, a trained network, or experts on their way.

An option such as `start` or `source` names a finished run or a file. It is read and compared with the data before the
method begins, and copied into the run's folder, so that resuming needs neither the other run nor the file. Where
networks are wanted and none are named, they are trained first on the whole train split, within the same run:
`core.jobs.teaching`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.compressors import METHODS
from core.compressors.brought.options import Imported
from core.engine import artifacts
from core.engine.job import Job
from core.errors import ConfigError, RunError
from core.events import Work
from core.jobs import bringing, loading, teaching
from core.settings.run import MethodChoice
from core.types import CondensedSet, Dataset, Experts, Input, TrainedModel

FILES: Mapping[Input, str] = {
    "condensed": "condensed.npz",
    "model": "best.safetensors",
    "brought": "condensed.npz",
    "experts": "experts.npz",
}  # what a finished run leaves
Taken = CondensedSet | TrainedModel | Experts
READ: Mapping[Input, Callable[[Path], Taken]] = {
    "condensed": artifacts.load_condensed,
    "model": artifacts.load_model,
    "brought": artifacts.load_condensed,
    "experts": artifacts.load_experts,
}
WORDS: Mapping[Input, str] = {
    "condensed": "a condensed set",
    "model": "a trained network",
    "brought": "a set",
    "experts": "trained experts",
}


def resolve(
    choice: MethodChoice, dataset: Dataset, seed: int, job: Job
) -> Work[tuple[dict[str, Taken | None], dict[str, Any]]]:
    """Everything a method takes, by the name of its option.

    yields   Progress of stage "condense" while networks are trained first
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
            found = yield from teaching.TAUGHT[kind](choice, dataset, seed, job)
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
    elif isinstance(taken, Experts):
        artifacts.save_experts(path, taken)
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
    shape = taken.x.shape[1:] if isinstance(taken, CondensedSet) else taken.shape
    if tuple(shape) == tuple(dataset.train.shape) and taken.n_classes == dataset.n_classes:
        return
    size, wanted = ("×".join(map(str, s)) for s in (shape, dataset.train.shape))
    raise ConfigError(
        f"{name} {value} was made for {size} images of {taken.n_classes} classes, {dataset.name} has {wanted} images "
        f"of {dataset.n_classes}: choose one made from the same kind of data"
    )


def _about(name: str, value: str, taken: Taken, choice: MethodChoice, dataset: Dataset) -> dict[str, Any]:
    """What the result says of an input: where it is from, and of networks what they are and how they were trained."""
    if isinstance(taken, CondensedSet):
        return {name: value, f"{name}_method": taken.method}
    found: dict[str, Any] = {name: value or "trained first, on the whole train split", f"{name}_network": taken.network}
    if isinstance(taken, Experts):
        counts = {"count": len(taken.weights), "epochs": taken.epochs}
        return found | {f"{name}_training": taken.training} | {f"{name}_{part}": v for part, v in counts.items()}
    if not value:
        _, training = teaching.recipe(choice, dataset)
        found |= {f"{name}_training": training.name, f"{name}_epochs": taken.epoch}
        found |= {f"{name}_{part}": v for part in ("norm", "eps") if (v := getattr(training.options, part, None))}
    return found
