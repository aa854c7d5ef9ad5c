"""What the store is asked: runs, their events, who works on them, settings."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from core.engine import rows, statements
from core.engine.database import Database, File, Place
from core.engine.rows import Owner
from core.engine.server import Server
from core.engine.tables import EVENTS, RUNS, SETTINGS, Moment, Up
from core.errors import ConfigError, RunError
from core.types import EventRow, RunRecord

LEASE = "BALLAST_LEASE_S"
SHORTEST_S = 1.0


def _lease(text: str) -> float | None:
    """Seconds as somebody wrote them; None for what no claim could be held by."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= SHORTEST_S else None


_ASKED = _lease(os.environ.get(LEASE) or "60")
LEASE_S = _ASKED or 60.0  # seconds for which a claim holds without being renewed
RECORD = [RUNS.c[name] for name in rows.RECORD]


def _owner(lease: float) -> list[ColumnElement[Any]]:
    """The columns of an Owner; a server that came back a moment ago gives every holder the time to renew its lease."""
    left, grace = func.coalesce(RUNS.c.lease - Moment(), -1e9), lease - Up()
    longest = case((left < grace, grace), else_=left)
    names = ("pid", "born", "beat", "cancel", "finish", "host")
    return [*(RUNS.c[name] for name in names), RUNS.c.owner.label("token"), longest.label("left")]


OWNER = _owner(LEASE_S)


def opened(place: Place) -> Database:
    """The database at a path or a URL.

    raises  ConfigError for a lease, which only a server needs, that is no number of seconds
    """
    if isinstance(place, Path):
        return File(place)
    if _ASKED is None:
        raise ConfigError(f"{LEASE} must be seconds, {SHORTEST_S:g} or more, got {os.environ[LEASE][:40]!r}")
    return Server(place)


class Reader:
    """The questions to an open database. Safe to share between threads."""

    def __init__(self, place: Place) -> None:
        self._db = opened(place)
        self.place, self.path, self.local = place, self._db.path, self._db.local

    # --- runs -----------------------------------------------------------------------------------------
    def unfinished(self, visitor: str | None = None) -> int:
        """How many runs of a guest, or of all guests together, are queued or running."""
        found = select(func.count()).where(RUNS.c.status.in_(("queued", "running")), RUNS.c.visitor != "")
        if visitor is not None:
            found = found.where(RUNS.c.visitor == visitor)
        return int(self._one(found))

    def has(self, run_id: str) -> bool:
        """Whether there is a run of this id."""
        return bool(self._db.rows(select(RUNS.c.id).where(RUNS.c.id == run_id)))

    def waiting(self, lane: str) -> list[str]:
        """Ids of the queued runs of a lane, first come first; behind those of "work" stand those of "later"."""
        return [row["id"] for row in self._db.rows(statements.waiting(lane))]

    def working(self, lane: str) -> list[str]:
        """Ids of the runs of a lane, and of those behind it, that are worked on, longest first."""
        return self.running(statements.lanes(lane))

    def running(self, lanes: Sequence[str] = ()) -> list[str]:
        """Ids of the runs that are said to be worked on, of some lanes or of all."""
        found = select(RUNS.c.id).where(RUNS.c.status == "running").order_by(RUNS.c.started)
        return [row["id"] for row in self._db.rows(found.where(RUNS.c.lane.in_(lanes)) if lanes else found)]

    def finish_requested(self, run_id: str) -> float | None:
        """Since when a run is asked to end with the best it has so far, or None."""
        found = self._db.rows(select(RUNS.c.finish).where(RUNS.c.id == run_id))
        return found[0]["finish"] if found else None

    def restarts(self, run_id: str) -> int:
        """How often a run was queued again without anybody asking, since somebody did."""
        found = self._db.rows(select(RUNS.c.restarts).where(RUNS.c.id == run_id))
        return int(found[0]["restarts"]) if found else 0

    def get(self, run_id: str, *, deleted: bool = False) -> RunRecord:
        """One run; RunError when there is none, or when it is in the trash and `deleted` ones are not asked for."""
        found = self._db.rows(select(*RECORD).where(RUNS.c.id == run_id))
        if not found:
            raise missing(run_id)
        record = rows.record(found[0])
        if record.deleted is not None and not deleted:
            raise RunError(f"run {run_id} is in the trash: restore it on the page Runs or by `runs restore {run_id}`")
        return record

    def owner(self, run_id: str) -> Owner | None:
        """Who works on a running run, or None when nobody does."""
        found = self._db.rows(select(*OWNER).where(RUNS.c.id == run_id, RUNS.c.status == "running"))
        return Owner(**found[0]) if found else None

    def runs(
        self, *, limit: int | None = None, offset: int = 0, damaged: bool = False, **wanted: Any
    ) -> list[RunRecord]:  # fmt: skip
        """Runs, newest first: all of them, or `limit` after the first `offset`.

        damaged  whether rows that cannot be read are among them
        wanted   kind, status (several), digest, parent, methods (several), deleted (those in the trash), and
                 text: words that must occur in the name or the settings, in any case
        """
        found = select(*RECORD).where(statements.condition(**wanted)).order_by(RUNS.c.created.desc(), RUNS.c.id.desc())
        found = found.limit(limit) if limit is not None else found
        records = map(rows.record, self._db.rows(found.offset(offset) if offset else found))
        return [record for record in records if damaged or not record.damaged]

    def count(self, **wanted: Any) -> int:
        """How many runs there are, as `runs` finds them, damaged ones among them."""
        return int(self._one(select(func.count()).select_from(RUNS).where(statements.condition(**wanted))))

    # --- events -------------------------------------------------------------------------------------
    def events(self, run_id: str, after: int = 0, *, limit: int | None = None) -> list[EventRow]:
        """Events with seq > after, oldest first: all of them, or the first `limit`."""
        columns = [column for column in EVENTS.c if column.name != "run"]
        found = select(*columns).where(EVENTS.c.run == run_id, EVENTS.c.seq > after).order_by(EVENTS.c.seq)
        return [rows.event(row) for row in self._db.rows(found.limit(limit) if limit is not None else found)]

    def last_event(self, run_id: str) -> EventRow | None:
        last = int(self._one(statements.last_seq(run_id)))
        return next(iter(self.events(run_id, last - 1)), None)

    def crowded(self, most: int) -> list[str]:
        """Ids of runs with more than `most` events."""
        found = select(EVENTS.c.run).group_by(EVENTS.c.run).having(func.count() > most)
        return [row["run"] for row in self._db.rows(found)]

    # --- settings -----------------------------------------------------------------------------------
    def setting(self, key: str, default: str = "") -> str:
        found = self._db.rows(select(SETTINGS.c.value).where(SETTINGS.c.key == key))
        return str(found[0]["value"]) if found else default

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """A setting that is a number; the default where what is stored is none, or lies outside low to high."""
        try:
            found = float(self.setting(key, str(default)))
        except ValueError:
            return default
        return found if low <= found <= high else default

    # --- the whole ----------------------------------------------------------------------------------
    def faults(self) -> list[str]:
        """What the database finds wrong in itself."""
        return self._db.faults()

    def copy(self, target: Path) -> None:
        """Write the store as it is at this moment to a file at `target`, while others go on writing."""
        self._db.copy(target)

    def on_close(self, end: Any) -> None:
        """Have `end` called before the store closes; when it returns, nobody it speaks for uses the store any more."""
        self._db.on_close(end)

    def be_patient(self) -> None:
        """Wait for a server that is away for as long as a lease allows: of those whose work would be lost otherwise."""
        self._db.patience = LEASE_S / 2

    def close(self) -> None:
        """End those who use it in threads, the last first, then close it."""
        self._db.close()

    def _one(self, statement: Any) -> Any:
        (value,) = self._db.rows(statement)[0].values()
        return value


def missing(run_id: str) -> RunError:
    return RunError(f"there is no run {run_id}: it may have been deleted; the page Runs lists all")
