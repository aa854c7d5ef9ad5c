"""The measured grid of a study: which row stands at a place, which stand around it, and how to measure one more.

A place is a method, a budget, a training and an attack radius. Nothing is interpolated: between measured places there
is no number.
"""

from collections.abc import Sequence
from itertools import product

from core.settings.study import REFERENCE, Place, Study
from core.study.table import RANDOM, Row

TINY = 1e-9  # radii closer than this are the same
AXES = ("ipc", "eps")


def at(rows: Sequence[Row], place: Place) -> Row | None:
    """The row that was measured at a place."""
    return next((row for row in _kin(rows, place) if row.ipc == place.ipc and _same(row.eps, place.eps)), None)


def beside(rows: Sequence[Row], place: Place) -> dict[str, Row]:
    """The bars to beat, where they were measured: random selection at this place, the full data but for the budget."""
    found = {
        row.method: row
        for row in rows
        if (row.method, row.ipc) in ((RANDOM, place.ipc), (REFERENCE, None))
        and row.training == place.training
        and _same(row.eps, place.eps)
    }
    names = [name for name in (RANDOM, REFERENCE) if name in found and name != place.method]
    return {name: found[name] for name in names}


def along(rows: Sequence[Row], place: Place) -> dict[str, list[Row]]:
    """Rows of the place's budget and training by method, the place's own first, each by rising radius."""
    own = [row for row in rows if (row.ipc, row.training) == (place.ipc, place.training)]
    names = sorted({row.method for row in own}, key=lambda name: name != place.method)
    return {name: sorted((r for r in own if r.method == name), key=lambda row: row.eps) for name in names}


def measured(rows: Sequence[Row], axis: str) -> list[float]:
    """The budgets ("ipc") or radii ("eps") that any row but the reference's was measured at, rising."""
    found: list[float] = []
    for value in sorted(getattr(row, axis) for row in rows if row.ipc is not None):
        if not found or not _same(found[-1], value):
            found.append(value)
    return found


def nearest(rows: Sequence[Row], place: Place) -> list[Row]:
    """Measured rows of the same method and training around a place: in each quadrant the nearest one, by rising
    budget and radius; at most four. Where a row stands at the place itself it is the only one.

    Each axis is measured by its own extent, so that neither counts for more.
    """
    kin = _kin(rows, place)
    extent = {axis: max(getattr(row, axis) for row in kin) or 1 for axis in AXES} if kin else {}

    def ahead(row: Row, axis: str) -> float:
        return (getattr(row, axis) - getattr(place, axis)) / extent[axis]

    found: list[Row] = []
    for signs in product((-1, 1), repeat=len(AXES)):
        side = [r for r in kin if all(sign * ahead(r, axis) >= -TINY for sign, axis in zip(signs, AXES, strict=True))]
        if side:
            found.append(min(side, key=lambda row: sum(abs(ahead(row, axis)) for axis in AXES)))
    return sorted({row.runs: row for row in found}.values(), key=lambda row: (row.ipc or 0, row.eps))


def alone(study: Study, place: Place) -> Study:
    """A study of one cell only, all else equal, with as many seeds."""
    named = {part.partition("=")[0].partition(".")[0] for part in study.set} - {place.method, place.training, "network"}
    kept = tuple(text for text in study.set if text.partition(".")[0] not in named)
    return study.replace(
        methods=(place.method,), ipc=(place.ipc,), trainings=(place.training,), eps=(place.eps,), also=(), set=kept,
        reference_seeds=0,
    )  # fmt: skip


def _kin(rows: Sequence[Row], place: Place) -> list[Row]:
    return [row for row in rows if (row.method, row.training) == (place.method, place.training) and row.ipc is not None]


def _same(one: float, other: float) -> bool:
    return abs(one - other) < TINY
