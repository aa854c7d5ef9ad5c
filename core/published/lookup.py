"""Which published rows may stand beside a result: same data, same budget, and an attack within the same limit.

Clean accuracies have no attack, so they match any. The field writes one limit in two ways, 8/255 and .031 for CIFAR-10,
so limits within 1.5 % of each other match; each row still shows its own.
"""

from collections.abc import Collection, Sequence
from math import isclose
from typing import Literal

from core.published.rows import ROWS, PublishedRow
from core.types import Norm

SAME = 0.015  # relative difference of two limits that the field takes for one
ASIDE = "not comparable"
Ipc = int | Literal["full", "share"]


def beside(
    data: str,
    *,
    ipc: Collection[Ipc] = (),
    norm: Norm | None = None,
    eps: float | None = None,
    aside: bool = False,
    rows: Sequence[PublishedRow] = ROWS,
) -> list[PublishedRow]:
    """The rows that match: those of condensed sets before those of all data, comparable ones first, then by robustness.

    data   name of the data set
    ipc    budgets in images per class, or "full"; () for all
    norm, eps  of the attack, eps in pixels of [0, 1]; None for all
    aside  the rows that are not comparable instead, whose `reason` says why
    """
    found = [
        row
        for row in rows
        if row.data == data
        and (row.use == ASIDE) == aside
        and (not ipc or row.ipc in ipc)
        and (not row.attack or _same_attack(row, norm, eps))
    ]
    return sorted(found, key=_rank)


def _same_attack(row: PublishedRow, norm: Norm | None, eps: float | None) -> bool:
    if norm is not None and row.norm != norm:
        return False
    return eps is None or (row.eps is not None and isclose(row.eps, eps, rel_tol=SAME))


def _rank(row: PublishedRow) -> tuple[bool, bool, bool, float, float, str]:
    return (
        row.ipc == "full",
        row.use != "ok",
        row.robust is None,
        -(row.robust or 0.0),
        -(row.clean or 0.0),
        row.method,
    )
