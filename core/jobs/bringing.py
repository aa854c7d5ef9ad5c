"""A set from elsewhere, read for a data set: the one way by which methods, the look before, and commands take it."""

from dataclasses import replace
from pathlib import Path

from core.compressors.brought.options import Imported
from core.datasets.sets import reading
from core.errors import ConfigError, DataError, RunError
from core.events import Work
from core.networks.statistics import channel_statistics
from core.settings.identity import fingerprint
from core.types import CondensedSet, Dataset, Origin, Told


def place(value: str, home: Path) -> Path:
    """The file behind a run's id or a path.

    raises  RunError that says what would be accepted
    """
    if not value:
        raise ConfigError("imported needs a set: name a file or a run that left one as --set, or bring one in the Lab")
    folder = home / "runs" / value
    try:
        if Path(value).name == value and folder.is_dir():
            if (folder / "condensed.npz").exists():
                return folder / "condensed.npz"
            raise RunError(f"run {value} has left no condensed set: choose one that has ended, or give a file")
        path = Path(value).expanduser()
        if path.exists():
            return path
    except (OSError, ValueError, RuntimeError):  # no path at all
        pass
    raise RunError(f"there is no set {value[:80]!r}: expected a run, or the path of {reading.FORMS}")


def looked_at(path: Path, options: Imported, dataset: Dataset) -> Work[reading.Brought]:
    """Read it for this data set, with what would be asked; refuse one that says itself that it is of other classes."""
    target = reading.Target(
        data=dataset.name, classes=dataset.classes, shape=dataset.train.shape,
        statistics=channel_statistics(dataset.train),
    )  # fmt: skip
    found = yield from reading.read(path, target, number=options.number, asked=options.set_range, clip=options.clip)
    return replace(found, notes=(*found.notes, *_of_other_data(found.origin, dataset)))


def made(path: Path, options: Imported, dataset: Dataset) -> Work[CondensedSet]:
    """The condensed set, with how it was read among what it tells.

    raises  DataError when black and white of it are still a question
    """
    found = yield from looked_at(path, options, dataset)
    if found.pixels.told.needs_answer:
        raise DataError(found.pixels.told.sentence)
    return CondensedSet(
        x=found.pixels.x, y=found.y, n_classes=dataset.n_classes, method=found.method or "imported",
        soft_labels=found.soft, info=Told().with_more(**told(path, found)), origin=found.origin,
    )  # fmt: skip


def told(path: Path, found: reading.Brought) -> dict[str, object]:
    """What a result says of a set that was brought."""
    return {
        "set_file": path.name,
        "set_hash": fingerprint(path),
        "set_layout": found.layout,
        "set_read_as": found.pixels.told.sentence,
        "set_outside": found.pixels.outside,
        "set_method": found.method,
        "set_notes": list(found.notes),
    }


def _of_other_data(origin: Origin, dataset: Dataset) -> tuple[str, ...]:
    if not origin.train_hash or origin.is_of(dataset):
        return ()
    return (
        f"the set was made from another train split than {dataset.name} has as it is loaded here, {origin.train_hash} "
        f"against {dataset.train.hash}: another limit, split or content",
    )
