"""Finished runs that a method can begin from or learn from, as a list in the form."""

from collections.abc import Mapping

from core import api
from core.types import Input, OptionInfo, RunRecord
from core.ui import form, naming

NOTHING: Mapping[Input, str] = {"condensed": "None", "model": "Train a network first", "brought": "Bring a set first"}
LEAVE_A_NETWORK = ("run", "train", "network")
KINDS: Mapping[Input, str] = {"condensed": "condensed set", "model": "network", "brought": "condensed set"}


def select(info: OptionInfo, kind: Input, key: str, data: str) -> str:
    """The id of a finished run whose set or network fits the data, a path that was typed, or "" for none."""
    found = fitting(kind, data)
    names = naming.distinct([naming.called(record) for record in found])
    titles = {"": NOTHING[kind], **dict(zip((record.id for record in found), names, strict=True))}
    help = f"{form.tooltip(info)}. Listed are finished runs with a {KINDS[kind]} for such images, newest first"
    return form.select(form.label(info), list(titles), key, "", titles=titles, help=help, new=True)


def fitting(kind: Input, data: str) -> list[RunRecord]:
    """Finished runs that left such a thing for images like those of `data`, those on that data first.

    How its images are is known from any finished run on it; before the first one nothing fits.
    """
    done = api.runs(kind=None, status=("done",))
    like = next((_looks(record) for record in done if _data(record) == data and _looks(record)), None)
    with_set = {record.id for record in api.supports()} if kind != "model" else set()
    found = [
        record
        for record in done
        if like
        and _looks(record) == like
        and (record.kind in LEAVE_A_NETWORK if kind == "model" else record.id in with_set)
    ]
    return sorted(found, key=lambda record: _data(record) != data)


def _looks(record: RunRecord) -> tuple[tuple[int, ...], int] | None:
    """Shape of an image and number of classes, as a run of its kind tells them."""
    found = api.results.read(record)
    if not isinstance(found, api.results.OnData):
        return None
    shape, classes = list(found.shape), list(found.classes)
    return (tuple(shape), len(classes)) if shape and classes else None


def _data(record: RunRecord) -> str:
    name: str = record.settings.get("data", {}).get("name", "")
    return name
