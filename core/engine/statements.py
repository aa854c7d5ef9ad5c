"""Statements of the store that are more than a row found by its id: to claim a run, to find runs, to write over a row.

Each is one statement for both databases. `FOR UPDATE SKIP LOCKED`, by which many claim at once without waiting for each
other, is said where rows are locked; a file is locked as a whole before.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Select,
    Table,
    and_,
    case,
    func,
    select,
    update,
)

from core.engine.tables import EVENTS, RUNS, Moment, Within
from core.types import Status

FREE, OTHER = RUNS.alias("free"), RUNS.alias("other")
LATER = case((RUNS.c.lane == "later", 1), else_=0)


def lanes(lane: str) -> tuple[str, str]:
    """The lanes that a worker of `lane` takes runs from: behind those of "work" stand those of "later"."""
    return lane, "later" if lane == "work" else lane


def waiting(lane: str) -> Select[tuple[str]]:
    """Ids of the queued runs of a lane, first come first."""
    found = select(RUNS.c.id).where(RUNS.c.status == "queued", RUNS.c.deleted.is_(None), RUNS.c.lane.in_(lanes(lane)))
    return found.order_by(LATER, RUNS.c.queued, RUNS.c.id)


def claiming(
    *, run_id: str | None = None, lane: str = "", besides: Sequence[str] = (), at_most: int | None = None, host: str,
    values: Mapping[str, Any],
) -> Executable:  # fmt: skip
    """Make one queued run running: that one, or the first of a lane that nobody is about to claim.

    besides  ids of runs to leave
    at_most  how many of its pool may run on `host` at the same time
    values   columns that are set besides the status
    """
    found = select(FREE.c.id).where(FREE.c.status == "queued")
    if at_most is not None:
        busy = select(func.count()).where(OTHER.c.status == "running", OTHER.c.host == host)
        found = found.where(at_most > busy.where(_pool(OTHER) == _pool(FREE)).correlate(FREE).scalar_subquery())
    found = found.limit(1).with_for_update(skip_locked=True)
    chosen: ColumnElement[str]
    if run_id is not None:
        chosen = found.where(FREE.c.id == run_id).scalar_subquery()
    else:  # a look a lane, so that the index finds the first of each without sorting the queue
        found = found.where(FREE.c.deleted.is_(None), FREE.c.id.not_in(besides)).order_by(FREE.c.queued, FREE.c.id)
        first = [found.where(FREE.c.lane == name).scalar_subquery() for name in dict.fromkeys(lanes(lane))]
        chosen = func.coalesce(*first, None)
    new = {**values, "status": "running", "finished": None, "attempt": RUNS.c.attempt + 1}
    return update(RUNS).where(RUNS.c.id == chosen, RUNS.c.status == "queued").values(new)


def _pool(table: FromClause) -> ColumnElement[str]:
    return func.replace(table.c.lane, "later", "work")


def lease(seconds: float) -> ColumnElement[float]:
    """The moment of the database that is so many seconds away."""
    return Moment() + seconds


def condition(
    *, kind: str | None = None, status: Sequence[Status] = (), digest: str | None = None, parent: str | None = None,
    text: str = "", methods: Sequence[str] = (), deleted: bool = False,
) -> ColumnElement[bool]:  # fmt: skip
    """The condition that runs meet; see `Store.runs`."""
    found: list[ColumnElement[bool]] = [RUNS.c.deleted.is_not(None) if deleted else RUNS.c.deleted.is_(None)]
    for column, wanted in ((RUNS.c.kind, kind), (RUNS.c.digest, digest), (RUNS.c.parent, parent)):
        if wanted is not None:
            found.append(column == wanted)
    if status:
        found.append(RUNS.c.status.in_(status))
    where = func.lower(RUNS.c.name + " " + RUNS.c.config)
    found += [Within(where, word) > 0 for word in text.lower().split()]
    if methods:
        found.append(RUNS.c.method.in_(methods))
    return and_(*found)


def last_seq(run_id: str) -> Select[tuple[int]]:
    return select(func.coalesce(func.max(EVENTS.c.seq), 0)).where(EVENTS.c.run == run_id)


def put(db: Connection, table: Table, values: Mapping[str, Any], *, over: bool = True) -> bool:
    """Write a row, over the one with its key or, without `over`, only where there is none; whether it was written."""
    new = import_module(f"sqlalchemy.dialects.{db.dialect.name}").insert(table).values(values)
    keys = [column.name for column in table.primary_key]
    others = {name: new.excluded[name] for name in values if name not in keys}
    word = new.on_conflict_do_update(index_elements=keys, set_=others) if over else new.on_conflict_do_nothing()
    return db.execute(word).rowcount == 1
