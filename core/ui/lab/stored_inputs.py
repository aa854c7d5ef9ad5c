"""Finished runs that a method can begin from or learn from, as a list in the form."""

from collections.abc import Mapping, Sequence

from core import api
from core.types import Input, OptionInfo, RunRecord
from core.ui import form, naming

NOTHING: Mapping[Input, str] = {
    "condensed": "None", "model": "Train a network first", "experts": "Train experts first",
    "brought": "Bring a set first",
}  # fmt: skip
LEAVE_A_NETWORK, LEAVE_EXPERTS = ("run", "train", "network"), ("run", "condense")
KINDS: Mapping[Input, str] = {
    "condensed": "a condensed set", "model": "a network", "experts": "trained experts", "brought": "a condensed set",
}  # fmt: skip


def select(info: OptionInfo, kind: Input, key: str, data: str) -> str:
    """The id of a finished run whose set or networks fit the data, a path that was typed, or "" for none."""
    found = fitting(kind, data)
    names = naming.distinct([naming.called(record) for record in found])
    titles = {"": NOTHING[kind], **dict(zip((record.id for record in found), names, strict=True))}
    help = f"{form.tooltip(info)}. Listed are finished runs with {KINDS[kind]} for such images, newest first"
    return form.select(form.label(info), list(titles), key, "", titles=titles, help=help, new=True)


def fitting(kind: Input, data: str) -> list[RunRecord]:
    """Finished runs that left such a thing for images like those of `data`, those on that data first.

    How its images are is known from any finished run on it; before the first one nothing fits.
    """
    done = api.runs(kind=None, status=("done",))
    like = next((_looks(record) for record in done if _data(record) == data and _looks(record)), None)
    left = leaving(kind, done)
    found = [record for record in done if like and _looks(record) == like and record.id in left]
    return sorted(found, key=lambda record: _data(record) != data)


def leaving(kind: Input, done: Sequence[RunRecord]) -> set[str]:
    """Which of these finished runs left such a thing, by their ids."""
    if kind == "model":
        return {record.id for record in done if record.kind in LEAVE_A_NETWORK}
    if kind == "experts":
        followers = {name for name, row in api.METHODS.items() if "experts" in row.takes.values()}
        return {record.id for record in done if record.kind in LEAVE_EXPERTS and _method(record) in followers}
    return {record.id for record in api.supports()}


def _looks(record: RunRecord) -> tuple[tuple[int, ...], int] | None:
    """Shape of an image and number of classes, as a run of its kind tells them."""
    found = api.results.read(record)
    if not isinstance(found, api.results.OnData):
        return None
    shape, classes = list(found.shape), list(found.classes)
    return (tuple(shape), len(classes)) if shape and classes else None


def _method(record: RunRecord) -> str:
    name: str = record.settings.get("method", {}).get("name", "")
    return name


def _data(record: RunRecord) -> str:
    name: str = record.settings.get("data", {}).get("name", "")
    return name
