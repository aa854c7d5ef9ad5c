"""The store: every run with its events and its one status, in one database.

Each change is one short transaction. The status of a run changes only here, and only along these arrows, which are
conditions of the statements themselves:

queued -> running -> done | failed | cancelled | interrupted -> queued (resumed);  queued -> cancelled
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Update, case, delete, func, insert, select, update

from core.engine import rows, statements
from core.engine.job import POOLED
from core.engine.process import HOST
from core.engine.reading import LEASE_S, RECORD, Reader, missing
from core.engine.rows import Claim
from core.engine.tables import EVENTS, RUNS, SETTINGS
from core.errors import Cancelled, RunError
from core.events import Progress
from core.types import ENDED, RunRecord, Status

NOTED = {"device", "versions", "data_hash", "seconds", "peak_rss_mb", "notes"}
LAST = {"result", "error", "resumable", "peak_rss_mb", "seconds"}
RESUMED = ("interrupted", "failed", "cancelled")


class Store(Reader):
    """An open store. Safe to share between threads; each process opens its own.

    Who uses it in threads that outlive a call says with `on_close` how they end: closing ends them first. A worker
    shows the token of its claim with all it writes; once its run was given to another one, nothing of it is written.
    """

    def lay_by(self) -> None:
        """Put back what was given up for a last word on a full disk, if there is room."""
        self._db.lay_by()

    # --- the life of a run ------------------------------------------------------------------------
    @staticmethod
    def new_id() -> str:
        """An id for a run to be created; ids sort by time."""
        return f"{time.strftime('%Y%m%d-%H%M%S', time.localtime())}-{secrets.token_hex(3)}"

    def create(
        self, kind: str, config: Mapping[str, Any], *, name: str, digest: str, lane: str, parent: str = "",
        basis: Mapping[str, Any] | None = None, run_id: str | None = None, seconds: Mapping[str, float] | None = None,
        visitor: str = "",
    ) -> str:  # fmt: skip
        """Queue a new run and return its id.

        digest   equal for runs that compute the same; `basis` is what went into it besides the config
        parent   id of the run that this one is about
        visitor  whose run it is: "" is the owner's
        run_id   of `new_id`, when its folder was prepared before; seconds by stage then say what that took
        """
        chosen, now = run_id or self.new_id(), time.time()
        texts = {"config": config, "basis": basis, "seconds": seconds}
        row = {
            "id": chosen, "kind": kind, "lane": lane, "name": name, "status": "queued", "digest": digest,
            "parent": parent, "visitor": visitor, "created": now, "queued": now, "method": rows.method(config),
            **{column: json.dumps(dict(value or {})) for column, value in texts.items()},
        }  # fmt: skip
        there = select(RUNS.c.id).where(RUNS.c.id == chosen)
        self._db.change(lambda db: db.execute(insert(RUNS).values(row)), before=lambda db: db.execute(there).first())
        return chosen

    def claim(self, run_id: str, *, pid: int, born: float, at_most: int | None = None) -> Claim | None:
        """Make a queued run running, or None when another was faster or `at_most` of its pool run here already."""
        return self._claim(pid, born, lambda run_id: True, run_id=run_id, at_most=at_most)

    def claim_next(
        self, lane: str, *, pid: int, born: float, hold: Callable[[str], bool], at_most: int | None = None,
        besides: Sequence[str] = (),
    ) -> Claim | None:  # fmt: skip
        """Make the first queued run of a lane running, or None when there is none.

        hold  asked before anybody sees the claim, whether the run's lock is ours; if not the claim is undone
        """
        return self._claim(pid, born, hold, lane=lane, at_most=at_most, besides=besides)

    def _claim(self, pid: int, born: float, hold: Callable[[str], bool], **which: Any) -> Claim | None:
        token = secrets.token_hex(8)
        values = {"started": time.time(), "pid": pid, "born": born, "beat": None, "owner": token, "host": HOST}
        word = statements.claiming(**which, host=HOST, values=values | {"lease": statements.lease(LEASE_S)})
        mine = select(*RECORD).where(RUNS.c.owner == token, RUNS.c.status == "running")

        def take(db: Connection) -> Claim | None:
            return taken(db) if db.execute(word).rowcount else None

        def taken(db: Connection) -> Claim | None:
            row = db.execute(mine).mappings().first()
            if row is None:
                return None
            found = rows.record(dict(row))
            if found.damaged:
                end = {"status": "failed", "finished": time.time(), "error": found.error}
                db.execute(update(RUNS).where(RUNS.c.id == found.id).values(end))
                return None
            if not hold(found.id):
                raise _Held
            return Claim(id=found.id, kind=found.kind, config=found.config, token=token)

        try:
            return self._db.change(take, before=taken)
        except _Held:
            return None

    def beat(self, run_id: str, token: str = "") -> bool:
        """Give a sign of life for a running run and renew its lease; False when it is not, or no more, this claim's."""
        new = {"beat": time.monotonic(), "lease": statements.lease(LEASE_S)}
        word = _of(run_id, token).where(RUNS.c.status == "running").values(new)
        return self._db.change(lambda db: db.execute(word).rowcount == 1, passing=True)

    def note(self, run_id: str, *, token: str = "", **fields: Any) -> None:
        """Record what a running run has found out: device, versions, data_hash, seconds, peak_rss_mb, notes."""
        assert set(fields) <= NOTED, fields
        self._db.change(lambda db: db.execute(_of(run_id, token).values(rows.encoded(fields))), passing=True)

    def finish(self, run_id: str, status: Status, *, token: str = "", **fields: Any) -> bool:
        """End a running run; False when it had ended already, so that the first word stands."""
        assert status in ENDED and set(fields) <= LAST, fields
        now = time.time()
        word = _of(run_id, token).where(RUNS.c.status == "running")
        word = word.values(rows.encoded(fields) | {"status": status, "finished": now})
        said = select(RUNS.c.id).where(RUNS.c.id == run_id, RUNS.c.status == status, RUNS.c.finished == now)

        def attempt() -> bool:
            return self._db.change(
                lambda db: db.execute(word).rowcount == 1,
                durable=True,
                before=lambda db: True if db.execute(said).first() else None,
            )

        return self._db.sparing(attempt)

    def request_cancel(self, run_id: str) -> Status:
        """Cancel a queued run at once or ask a running one to stop; returns the status it then has."""
        now = time.time()

        def ask(db: Connection) -> None:
            waits = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status == "queued")
            db.execute(waits.values(status="cancelled", finished=now))
            works = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status == "running")
            db.execute(works.values(cancel=func.coalesce(RUNS.c.cancel, now)))

        self._db.change(ask)
        return self.get(run_id).status

    def request_finish(self, run_id: str) -> None:
        """Ask a run to end with the best it has so far; the word stands over attempts."""
        self._change(run_id, finish=func.coalesce(RUNS.c.finish, time.time()))

    def requeue(self, run_id: str, *, lane: str) -> None:
        """Queue an ended, unfinished run once more, in the lane of a worker."""
        where = (RUNS.c.id == run_id, RUNS.c.status.in_(RESUMED), RUNS.c.deleted.is_(None))
        if not self._queue(run_id, update(RUNS).where(*where).values(lane=lane, restarts=0)):
            status = self.get(run_id).status
            raise RunError(f"run {run_id} cannot be resumed: it is {status}, not interrupted, failed or cancelled")

    def restart(self, run_id: str, token: str, *, most: int | None) -> bool:
        """Queue a running run again in one word that nobody sees the half of, and end its claim; whether it was.

        It is not when somebody asked to cancel it, or when its claim is another one by now.

        most  how often that may happen without anybody asking, counted; None when somebody asks
        """
        pooled = case((RUNS.c.lane.in_(POOLED), RUNS.c.lane), else_=POOLED[0])
        word = _of(run_id, token).where(RUNS.c.status == "running", RUNS.c.cancel.is_(None))
        if most is not None:
            word = word.where(RUNS.c.restarts < most)
        return self._queue(run_id, word.values(lane=pooled, restarts=0 if most is None else RUNS.c.restarts + 1))

    def _queue(self, run_id: str, word: Update) -> bool:
        now = time.time()
        word = word.values(
            status="queued", queued=now, finished=None, cancel=None, error="", pid=None, owner="", lease=None,
        )  # fmt: skip
        said = select(RUNS.c.id).where(RUNS.c.id == run_id, RUNS.c.queued == now)
        return self._db.change(
            lambda db: db.execute(word).rowcount == 1, before=lambda db: True if db.execute(said).first() else None
        )

    def rename(self, run_id: str, name: str) -> None:
        if not self._change(run_id, name=name):
            raise missing(run_id)

    def discard(self, run_id: str, moment: float | None) -> None:
        """Put an ended run into the trash, or with None take it out again; its rows stay."""
        word = update(RUNS).where(RUNS.c.id == run_id, _ended()).values(deleted=moment)
        if not self._db.change(lambda db: db.execute(word).rowcount, durable=True):
            raise self._not_ended(run_id)

    def delete(self, run_id: str) -> None:
        """Remove the rows of an ended run for good."""

        def remove(db: Connection) -> int:
            if gone := db.execute(delete(RUNS).where(RUNS.c.id == run_id, _ended())).rowcount:
                db.execute(delete(EVENTS).where(EVENTS.c.run == run_id))
            return gone

        there = select(RUNS.c.id).where(RUNS.c.id == run_id)
        if not self._db.change(remove, before=lambda db: None if db.execute(there).first() else 1):
            raise self._not_ended(run_id)

    def end(self, run_id: str) -> None:
        """Call a run failed whose row is damaged, so that it can be deleted."""
        word = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.status.not_in(("done", "failed", "cancelled")))
        self._db.change(lambda db: db.execute(word.values(status="failed")))

    def adopt(self, record: RunRecord) -> None:
        """Write the row of an ended run, over the one of its id where there is one."""
        row = rows.stored(replace(record, deleted=None)) | {"lane": "work"}
        self._db.change(lambda db: statements.put(db, RUNS, row), durable=True)

    def _not_ended(self, run_id: str) -> RunError:
        return RunError(f"run {run_id} is {self.get(run_id, deleted=True).status}: cancel it before deleting it")

    def identify(self, run_id: str, digest: str, basis: Mapping[str, Any], parent: str) -> None:
        """Give a stored run the digest and parent by which runs like it are found today."""
        self._change(run_id, digest=digest, basis=json.dumps(dict(basis)), parent=parent)

    def _change(self, run_id: str, **values: Any) -> int:
        return self._db.change(lambda db: db.execute(_of(run_id).values(values)).rowcount)

    # --- events -------------------------------------------------------------------------------------
    def append(self, run_id: str, events: Sequence[Progress], token: str = "") -> None:
        """Store events in order; `seq` grows by one within a run.

        raises  Cancelled when the run is no more that of the claim that `token` tells
        """
        now = time.time()
        mine = select(RUNS.c.owner).where(RUNS.c.id == run_id).with_for_update()

        def add(db: Connection) -> bool:
            owner = db.execute(mine).scalar()  # one at a time: on a server the row is locked
            if token and owner != token:
                raise Cancelled("another worker has this run now")
            last = int(db.scalar(statements.last_seq(run_id)) or 0)
            new = [
                {
                    "run": run_id, "seq": last + 1 + i, "time": now, "stage": e.stage, "done": e.done, "total": e.total,
                    "unit": e.unit, "values": json.dumps(dict(e.values)), "note": e.note,
                }
                for i, e in enumerate(events)
            ]  # fmt: skip
            if new:
                db.execute(insert(EVENTS), new)
            return True

        said = select(EVENTS.c.seq).where(EVENTS.c.run == run_id, EVENTS.c.time == now)
        self._db.change(add, passing=True, before=lambda db: True if db.execute(said).first() else None)

    def drop_events(self, run_id: str, seqs: Sequence[int]) -> None:
        """Remove events that are kept elsewhere."""
        for start in range(0, len(seqs), 500):
            part = list(seqs[start : start + 500])
            word = delete(EVENTS).where(EVENTS.c.run == run_id, EVENTS.c.seq.in_(part))
            self._db.change(lambda db, word=word: db.execute(word))  # type: ignore[misc]

    def set_setting(self, key: str, value: str) -> None:
        self._db.change(lambda db: statements.put(db, SETTINGS, {"key": key, "value": value}))


class _Held(Exception):
    """The run that was claimed is still locked by somebody; its claim is undone."""


def _of(run_id: str, token: str = "") -> Any:
    """An update of one run, of that claim where a token tells one."""
    word = update(RUNS).where(RUNS.c.id == run_id)
    return word.where(RUNS.c.owner == token) if token else word


def _ended() -> Any:
    return RUNS.c.status.not_in(("queued", "running"))
