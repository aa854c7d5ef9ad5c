"""How every job begins: the data are loaded, kept for thumbnails, and compared with what the job was made for."""

from dataclasses import replace
from pathlib import Path

from core import datasets
from core.engine import artifacts, device, writing
from core.engine.job import Job
from core.errors import DataError
from core.events import Work
from core.jobs import cache, keeping
from core.types import CondensedSet, DataConfig, Dataset, Origin, TrainedModel, Understood


def load(config: DataConfig, job: Job) -> Work[Dataset]:
    """Load a data set, keep it for thumbnails, and note its hash.

    raises  DataError when the data changed since an earlier attempt of the same run
    """
    with keeping.timed(job.ledger, "load"):
        dataset = yield from datasets.load(config, root=job.data)
        return _kept(dataset, job)


def understand(config: DataConfig, job: Job) -> Work[tuple[Understood | None, Dataset | None]]:
    """As `load`, but what black and white are may still be asked: then there is no data set, and nothing is kept."""
    with keeping.timed(job.ledger, "load"):
        understood, dataset = yield from datasets.understand(config, root=job.data)
        return understood, dataset and _kept(dataset, job)


def _kept(dataset: Dataset, job: Job) -> Dataset:
    about = job.folder / "data.json"
    before = job.kept(about, _hash) or job.ledger.data_hash
    if before and before != dataset.hash:
        raise DataError(f"{dataset.name} has changed since this run began: run it again instead of resuming it")
    cache.keep(dataset, job)
    if job.device == "cpu":
        device.share_threads(dataset.train.x[0].size)
    job.ledger.data_hash = dataset.hash
    writing.save_json(about, {"hash": dataset.hash, "name": dataset.name, "source": dataset.source})
    return dataset


def _hash(path: Path) -> str:
    return str(artifacts.load_json(path)["hash"])


def check_fit(path: Path, made: CondensedSet | TrainedModel, dataset: Dataset) -> Dataset:
    """Refuse a file that was made for other images or classes than these.

    returns  the data set, with a note where it is not the one that the file was made from
    raises   DataError
    """
    shape = made.shape if isinstance(made, TrainedModel) else made.x.shape[1:]
    if tuple(shape) != tuple(dataset.train.shape) or made.n_classes > dataset.n_classes:
        size, wanted = ("×".join(map(str, s)) for s in (shape, dataset.train.shape))
        raise DataError(
            f"{path.name} was made for {size} images of {made.n_classes} classes, {dataset.name} has {wanted} images "
            f"of {dataset.n_classes}: choose the data set it was made from"
        )
    if sentence := other_classes(path.name, made.origin, dataset):
        raise DataError(sentence)
    if not made.origin.train_hash or made.origin.is_of(dataset):
        return dataset
    note = (
        f"{path.name} was made from another train split than {dataset.name} has as it is loaded here, "
        f"{made.origin.train_hash} against {dataset.train.hash}: another limit, split or content; what was learned "
        "there may be judged here"
    )
    return replace(dataset, notes=(*dataset.notes, note))


def other_classes(name: str, origin: Origin, dataset: Dataset) -> str:
    """A sentence when a label means another class here than where something was made, else ""."""
    if not origin.contradicts(dataset):
        return ""
    there, here = (", ".join(names[:4]) + (" …" if names[4:] else "") for names in (origin.classes, dataset.classes))
    order = " in this order" if set(origin.classes) == set(dataset.classes) else ""
    return (
        f"{name} was made for the classes {there}{order}, {dataset.name} has {here}: its labels mean other classes; "
        "choose the data set it was made from"
    )
