"""What a lesson reads of finished runs: the two accuracies it asks about, those beside them, and their origin."""

import base64
from dataclasses import asdict, dataclass
from typing import Any

from core import api
from core.errors import DataError
from core.ui import words
from core.ui.learn.lessons import Stored

KERNEL = "kernel"
OF_STUDY = {"clean": "clean", "robust": "attacked"}
OF_WIDTHS = {"clean": "clean", "robust": "strong", "fgsm": "fgsm"}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One measured accuracy.

    place  how a lesson names it: of a study METHOD:IPC:TRAINING:EPS, of widths the width or `kernel`
    says   how a reader calls it
    share, low, high  the accuracy and its 95 % interval, in [0, 1]
    n      test images that were judged, of all seeds together
    run    id of a run that it is from
    """

    place: str
    says: str
    share: float
    low: float
    high: float
    n: int
    run: str


def told(stored: Stored) -> dict[str, Any]:
    """Everything the page needs of a stored lesson, as JSON values.

    raises  DataError where the run or study has no such number
    """
    known, about = _of_study(stored) if stored.study else _of_widths(stored)
    wanted = dict.fromkeys((stored.before, *stored.beside, stored.after))
    if missing := [place for place in wanted if place not in known]:
        raise DataError(f"{stored.study or stored.widths} has no {missing[0]}; it has: {', '.join(known)}")
    picture = api.image(known[stored.before if stored.pictures == "before" else stored.after].run)
    shown = "" if picture is None else f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    return {"bars": [asdict(known[place]) for place in wanted], "picture": shown, **about}


def _of_study(stored: Stored) -> tuple[dict[str, Bar], dict[str, str]]:
    study, field = api.study.study(stored.study), OF_STUDY.get(stored.measure, "attacked")
    found = {}
    for row in api.study.rows(stored.study):
        place = f"{row.method}:{row.ipc or 'all'}:{row.training}:{row.eps:g}"
        low, high = getattr(row, f"{field}_interval")
        size = "" if row.ipc is None else f", {row.ipc} per class"
        found[place] = Bar(
            place=place, says=f"{api.naming.method(row.method)}{size}", share=getattr(row, field), low=low, high=high,
            n=getattr(row, f"{field}_images"), run=row.runs[0],
        )  # fmt: skip
    eps = stored.after.rpartition(":")[2]
    attack = "without an attack" if field == "clean" else f"{words.HEADLINES[study.attack]}, {study.norm} ε {eps}"
    about = {
        "origin": api.examples.mark_of_study(stored.study) if api.examples.is_one(stored.study) else stored.study,
        "under": f"{attack}; {study.seeds} seeds, of the full data {study.reference_seeds}",
        "command": api.study.command(stored.study), "link": f"study?study={stored.study}",
    }  # fmt: skip
    return found, about


def _of_widths(stored: Stored) -> tuple[dict[str, Bar], dict[str, str]]:
    record = api.get(stored.widths)
    result, name = api.results.WidthResult.of(record), OF_WIDTHS[stored.measure]
    found = {}
    for row in result.rows:
        place = KERNEL if row.width is None else str(row.width)
        low, high = getattr(row, f"{name}_interval")
        found[place] = Bar(
            place=place,
            says=row.title,
            share=getattr(row, f"{name}_acc"),
            low=low,
            high=high,
            n=row.images,
            run=str(record.config["run"]),
        )
    attack = "without an attack" if name == "clean" else result.attacks[name]
    about = {
        "origin": api.examples.mark(record) if api.examples.is_one(record.id) else record.name,
        "under": f"{attack}; seed {result.seed}, {result.epochs:,} epochs of standard training",
        "command": f"{api.examples.command()} --only {record.id}", "link": f"kernel?kernel.run={record.config['run']}",
    }  # fmt: skip
    return found, about
