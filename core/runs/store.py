"""The store: every run with its events and its one status, in one SQLite file.

WAL mode lets several pages read while workers write. Each write is one short transaction. The status
of a run changes only here, and only along these arrows:

queued -> running -> done | failed | cancelled | interrupted -> queued (resumed);  queued -> cancelled
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import RunError
from core.events import Progress
from core.runs import schema
from core.types import ENDED, EventRow, RunRecord, Status

JSON_COLUMNS = ("config", "versions", "seconds", "result")
RECORD = (
    "id, kind, name, status, config, created, started, finished, device, versions, data_hash, seconds, "
    "peak_rss_mb, result, error, resumable"
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that a worker has made its own."""

    id: str
    kind: str
    config: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The process that works on a run: its pid, when that process was born, and any request to stop."""

    pid: int
    born: float
    cancel: float | None


class Store:
    """An open store. Safe to share between threads; each process opens its own."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        schema.prepare(self._db)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # --- the life of a run ------------------------------------------------------------------------
    def create(self, kind: str, config: Mapping[str, Any], *, name: str, digest: str, lane: str) -> str:
        """Queue a new run and return its id, which sorts by time."""
        now = time.time()
        run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}-{secrets.token_hex(3)}"
        row = (run_id, kind, lane, name, json.dumps(config), digest, now, now)
        with self._write() as db:
            db.execute(
                "INSERT INTO runs (id, kind, lane, name, status, config, digest, created, queued) "
                "VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?)",
                row,
            )
        return run_id

    def waiting(self, lane: str) -> list[str]:
        """Ids of the queued runs of a lane, first come first."""
        rows = self._rows("SELECT id FROM runs WHERE status = 'queued' AND lane = ? ORDER BY queued, id", (lane,))
        return [row["id"] for row in rows]

    def claim(self, run_id: str, *, pid: int, born: float, at_most: int | None = None) -> Claim | None:
        """Make a queued run running, or None when another was faster or `at_most` of its lane run already."""
        with self._write() as db:
            changed = db.execute(
                "UPDATE runs SET status = 'running', started = ?, finished = NULL, pid = ?, born = ? "
                "WHERE id = ? AND status = 'queued' AND (? IS NULL OR ? > "
                "(SELECT count(*) FROM runs AS other WHERE other.status = 'running' AND other.lane = runs.lane))",
                (time.time(), pid, born, run_id, at_most, at_most),
            ).rowcount
            if not changed:
                return None
            row = db.execute("SELECT id, kind, config FROM runs WHERE id = ?", (run_id,)).fetchone()
        return Claim(id=row["id"], kind=row["kind"], config=json.loads(row["config"]))

    def note(self, run_id: str, **fields: Any) -> None:
        """Record what a running run has found out: device, versions, data_hash, seconds, peak_rss_mb."""
        assert set(fields) <= {"device", "versions", "data_hash", "seconds", "peak_rss_mb"}, fields
        names = ", ".join(f"{name} = ?" for name in fields)
        with self._write() as db:
            db.execute(f"UPDATE runs SET {names} WHERE id = ?", (*_encoded(fields), run_id))

    def finish(self, run_id: str, status: Status, **fields: Any) -> bool:
        """End a running run; False when it had ended already, so that the first word stands."""
        assert status in ENDED and set(fields) <= {"result", "error", "resumable", "peak_rss_mb", "seconds"}
        names = "".join(f", {name} = ?" for name in fields)
        with self._write() as db:
            sql = f"UPDATE runs SET status = ?, finished = ?{names} WHERE id = ? AND status = 'running'"
            return db.execute(sql, (status, time.time(), *_encoded(fields), run_id)).rowcount == 1

    def request_cancel(self, run_id: str) -> Status:
        """Cancel a queued run at once or ask a running one to stop; returns the status it then has."""
        with self._write() as db:
            now = time.time()
            db.execute(
                "UPDATE runs SET status = 'cancelled', finished = ? WHERE id = ? AND status = 'queued'", (now, run_id)
            )
            sql = "UPDATE runs SET cancel = coalesce(cancel, ?) WHERE id = ? AND status = 'running'"
            db.execute(sql, (now, run_id))
        return self.get(run_id).status

    def requeue(self, run_id: str, *, lane: str) -> None:
        """Queue an ended, unfinished run once more, in the lane of a worker."""
        with self._write() as db:
            changed = db.execute(
                "UPDATE runs SET status = 'queued', queued = ?, lane = ?, finished = NULL, cancel = NULL, error = '', "
                "pid = NULL WHERE id = ? AND status IN ('interrupted', 'failed', 'cancelled')",
                (time.time(), lane, run_id),
            ).rowcount
        if not changed:
            status = self.get(run_id).status
            raise RunError(f"run {run_id} cannot be resumed: it is {status}, not interrupted, failed or cancelled")

    def rename(self, run_id: str, name: str) -> None:
        with self._write() as db:
            if not db.execute("UPDATE runs SET name = ? WHERE id = ?", (name, run_id)).rowcount:
                raise _missing(run_id)

    def delete(self, run_id: str) -> None:
        """Remove the rows of an ended run."""
        with self._write() as db:
            row = db.execute("SELECT status FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise _missing(run_id)
            if row["status"] not in ENDED:
                raise RunError(f"run {run_id} is {row['status']}: cancel it before deleting it")
            db.execute("DELETE FROM events WHERE run = ?", (run_id,))
            db.execute("DELETE FROM runs WHERE id = ?", (run_id,))

    # --- reading ------------------------------------------------------------------------------------
    def get(self, run_id: str) -> RunRecord:
        rows = self._rows(f"SELECT {RECORD} FROM runs WHERE id = ?", (run_id,))
        if not rows:
            raise _missing(run_id)
        return _record(rows[0])

    def owner(self, run_id: str) -> Owner | None:
        """Who works on a running run, or None when nobody does."""
        rows = self._rows("SELECT pid, born, cancel FROM runs WHERE id = ? AND status = 'running'", (run_id,))
        return Owner(**dict(rows[0])) if rows else None

    def runs(
        self,
        *,
        kind: str | None = None,
        status: Sequence[Status] = (),
        digest: str | None = None,
        text: str = "",
        limit: int = 500,
    ) -> list[RunRecord]:
        """Runs, newest first. `text` must occur in the name or the settings, in any case."""
        where, values = ["1"], []
        if kind is not None:
            where, values = [*where, "kind = ?"], [*values, kind]
        if digest is not None:
            where, values = [*where, "digest = ?"], [*values, digest]
        if status:
            where, values = [*where, f"status IN ({', '.join('?' * len(status))})"], [*values, *status]
        for word in text.lower().split():
            where, values = [*where, "instr(lower(name || ' ' || config), ?) > 0"], [*values, word]
        sql = f"SELECT {RECORD} FROM runs WHERE {' AND '.join(where)} ORDER BY created DESC, id DESC LIMIT ?"
        return [_record(row) for row in self._rows(sql, (*values, limit))]

    # --- events -------------------------------------------------------------------------------------
    def append(self, run_id: str, events: Sequence[Progress]) -> None:
        """Store events in order; `seq` grows by one within a run."""
        with self._write() as db:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM events WHERE run = ?", (run_id,)).fetchone()[0]
            now = time.time()
            rows = [
                (run_id, last + 1 + i, now, e.stage, e.done, e.total, e.unit, json.dumps(dict(e.values)), e.note)
                for i, e in enumerate(events)
            ]
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def events(self, run_id: str, after: int = 0) -> list[EventRow]:
        sql = 'SELECT seq, time, stage, done, total, unit, "values", note FROM events WHERE run = ? AND seq > ? '
        rows = self._rows(sql + "ORDER BY seq", (run_id, after))
        return [EventRow(**{**dict(row), "values": json.loads(row["values"])}) for row in rows]

    def last_event(self, run_id: str) -> EventRow | None:
        last = self._rows("SELECT coalesce(max(seq), 0) AS seq FROM events WHERE run = ?", (run_id,))[0]["seq"]
        return next(iter(self.events(run_id, last - 1)), None)

    # --- settings -----------------------------------------------------------------------------------
    def setting(self, key: str, default: str = "") -> str:
        rows = self._rows("SELECT value FROM settings WHERE key = ?", (key,))
        return rows[0]["value"] if rows else default

    def set_setting(self, key: str, value: str) -> None:
        with self._write() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))


def _encoded(fields: Mapping[str, Any]) -> list[Any]:
    return [json.dumps(dict(value)) if name in JSON_COLUMNS else value for name, value in fields.items()]


def _record(row: sqlite3.Row) -> RunRecord:
    values = dict(row)
    for name in JSON_COLUMNS:
        values[name] = json.loads(values[name])
    return RunRecord(**{**values, "resumable": bool(values["resumable"])})


def _missing(run_id: str) -> RunError:
    return RunError(f"there is no run {run_id}: it may have been deleted; the page Runs lists all")
