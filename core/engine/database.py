"""The database under the store: a SQLite file by default, or a PostgreSQL server that a URL names.

Both do a change as one transaction and tell their errors in one sentence. What is true of one only stays here: a file
in WAL mode is read while it is written, and a reserve of a megabyte beside it is given up for the last word about a run
on a full disk; a server that restarts is waited for.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, StaticPool, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.engine import schema, trouble
from core.engine.failpoint import FAILPOINT
from core.errors import ResourceError

T = TypeVar("T")
Place = Path | str  # of a file, or the URL of a server
Row = Mapping[str, Any]
NAME = "ballast.sqlite"
RESERVE = 1 << 20  # bytes
MEMORY = Path(":memory:")  # a file that is none: it lives and ends with the process
ROOM_MB = 64.0  # below this the reserve is not laid by again


class Database(Protocol):
    """What the store needs of a database. Safe to share between threads; each process opens its own.

    path      the file, or what a copy of the server's tables is called
    local     whether all who use it are on one machine
    patience  seconds for which a server that does not answer is asked again
    """

    path: Path
    local: bool
    patience: float

    def change(
        self, work: Callable[[Connection], T], *, durable: bool = False, passing: bool = False,
        before: Callable[[Connection], T | None] = lambda db: None,
    ) -> T:  # fmt: skip
        """Do one transaction; it is undone when the work ends with an error.

        durable  whether it must survive a loss of power once it is done
        passing  whether the last of its kind may be lost when the server falls, as signs of life may
        before   asked where it is not known whether an earlier try was stored: what it returned if so, else None
        """

    def rows(self, statement: Executable) -> list[Row]:
        """What a statement finds."""

    def sparing(self, attempt: Callable[[], T]) -> T:
        """Do what must be written even when the disk is full."""

    def lay_by(self) -> None:
        """Put the reserve where it is missing, if there is room; without it everything works but a full disk."""

    def faults(self) -> list[str]:
        """What is found wrong in it."""

    def copy(self, target: Path) -> None:
        """Write what it holds at this moment to a new SQLite file, while others go on writing."""

    def on_close(self, end: Callable[[], None]) -> None:
        """Have `end` called before it is closed."""

    def close(self) -> None:
        """End those who use it in threads, the last first, then close it."""


class Users:
    """Who uses a database in threads: ended, the last first, before it closes."""

    def __init__(self) -> None:
        self._users: list[Callable[[], None]] = []
        self._guard = threading.Lock()

    def add(self, end: Callable[[], None]) -> None:
        with self._guard:
            self._users.append(end)

    def end(self) -> None:
        with self._guard:
            users, self._users = self._users, []
        for end in reversed(users):  # without the lock, which their threads may want once more
            end()


class File:
    """An open SQLite file.

    raises  ResourceError or RunError, in one sentence, for a folder or file that cannot be used
    """

    local, patience = True, 0.0

    def __init__(self, path: Path) -> None:
        self.path, self._lock, self._users = path, threading.RLock(), Users()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise trouble.of_files(error, path.parent) from None
        with self._told():
            raw = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            try:
                schema.prepare(raw, path)
                self._engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
                self._db = self._engine.connect()
            except BaseException:
                raw.close()
                raise
            self._raw = raw
        self.lay_by()

    def on_close(self, end: Callable[[], None]) -> None:
        self._users.add(end)

    def close(self) -> None:
        self._users.end()
        with self._lock, suppress(SQLAlchemyError):
            self._db.close()
            self._engine.dispose()

    def change(
        self, work: Callable[[Connection], T], *, durable: bool = False, passing: bool = False,
        before: Callable[[Connection], T | None] = lambda db: None,
    ) -> T:  # fmt: skip
        with self._lock, self._told():
            say = self._raw.execute  # a transaction of SQLite's own kind, of which SQLAlchemy is not told
            say(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            say("BEGIN IMMEDIATE")
            try:
                result = work(self._db)
                FAILPOINT.reach("commit", self.path)
                say("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # some errors have undone it already
                    say("ROLLBACK")
                raise
            FAILPOINT.reach("committed", self.path)
            return result

    def rows(self, statement: Executable) -> list[Row]:
        with self._lock, self._told():
            return [dict(row._mapping) for row in self._db.execute(statement)]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise trouble.of_store(error.orig, self.path) from None
        except (sqlite3.Error, SQLAlchemyError) as error:
            raise trouble.of_store(error, self.path) from None
        except OSError as error:
            raise trouble.of_files(error, self.path.parent) from None

    def sparing(self, attempt: Callable[[], T]) -> T:
        try:
            return attempt()
        except ResourceError:  # then the reserve is given up for it
            if not self._spend():
                raise
            return attempt()

    @property
    def _reserve(self) -> Path:
        return self.path.with_suffix(".reserve")

    def _spend(self) -> bool:
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def lay_by(self) -> None:
        with suppress(OSError):
            if self.path != MEMORY and not self._reserve.exists() and trouble.free_mb(self.path.parent) > ROOM_MB:
                self._reserve.write_bytes(os.urandom(RESERVE))

    def faults(self) -> list[str]:
        with self._lock, self._told():
            found = [str(row[0]) for row in self._raw.execute("PRAGMA quick_check")]
        return [] if found == ["ok"] else found

    def copy(self, target: Path) -> None:
        with self._told(), closing(sqlite3.connect(target)) as other:
            self._raw.backup(other, pages=256)
