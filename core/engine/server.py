"""A PostgreSQL server as the store's database: many machines, one set of runs.

`BALLAST_STORE=postgresql+psycopg://user:password@host/name`. A server that restarts is waited for as long as the
patience of whoever asks; when a connection ends in the middle of a transaction, that transaction is done again, and one
whose end was not heard is first looked for.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Executable, create_engine, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as NoneFree

from core.engine import schema, trouble
from core.engine.database import NAME, File, Row, Users
from core.engine.failpoint import FAILPOINT
from core.engine.tables import METADATA
from core.errors import BallastError, ConfigError, ResourceError

T = TypeVar("T")
PATIENCE_S = 2.0  # seconds for which a server that does not answer is asked again
PAUSE_S = 0.1
# what libpq is told, so that a peer that vanished without a word is noticed in seconds, not in a quarter of an hour
SILENCE = {"connect_timeout": 3, "tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 5}
INSTALL = "python -m pip install --require-hashes -r requirements-cluster.txt"
AGAIN = ("40001", "40P01")  # serialisation failure, deadlock: undone as a whole
GONE = ("08", "57P0")  # the connection was lost, the server stops or starts
FULL = ("53100", "53200")  # disk, memory
REFUSED = ("28", "3D", "42501", "3F")  # password, name of the database, rights, schema


class Server:
    """A pool of connections to the server.

    raises  ConfigError for a URL of another kind or without psycopg; ResourceError or RunError for a server that cannot
            be used
    """

    local = False

    def __init__(self, url: str, patience: float = PATIENCE_S) -> None:
        self.path, self.patience, self._users = Path(NAME), patience, Users()
        self._url = address(url)
        self.place = self._url.render_as_string(hide_password=True)
        try:
            self._engine = create_engine(self._url, pool_size=8, connect_args=SILENCE)
        except ImportError:
            raise ConfigError(f"BALLAST_STORE names PostgreSQL, for which psycopg is missing: {INSTALL}") from None
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._trying(self._prepare)
        except BaseException:
            self._engine.dispose()
            raise

    def _prepare(self) -> None:
        with self._engine.begin() as db:
            schema.prepare_server(db, self.place)

    def on_close(self, end: Callable[[], None]) -> None:
        self._users.add(end)

    def close(self) -> None:
        self._users.end()
        self._engine.dispose()

    def change(
        self, work: Callable[[Connection], T], *, durable: bool = False, passing: bool = False,
        before: Callable[[Connection], T | None] = lambda db: None,
    ) -> T:  # fmt: skip
        unheard = False

        def attempt() -> T:
            nonlocal unheard
            with self._engine.connect() as db:
                if unheard and (found := before(db)) is not None:
                    return found
                if passing:
                    db.execute(text("SET LOCAL synchronous_commit = off"))
                result = work(db)
                FAILPOINT.reach("commit", self.path)
                unheard = True
                db.commit()
                FAILPOINT.reach("committed", self.path)
                return result

        return self._trying(attempt)

    def rows(self, statement: Executable) -> list[Row]:
        def attempt() -> list[Row]:
            with self._reading.connect() as db:
                return [dict(row._mapping) for row in db.execute(statement)]

        return self._trying(attempt)

    def _trying(self, attempt: Callable[[], T]) -> T:
        """Do what asks the server, again where it was away or undid the transaction by itself."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return attempt()
            except DBAPIError as error:
                if not passes(error) or time.monotonic() >= deadline:
                    raise self._told(error) from None
                time.sleep(PAUSE_S)
            except NoneFree:
                raise ResourceError(f"all connections to the store {self.place} are taken: try again") from None
            except OSError as error:
                raise trouble.of_files(error, self.path) from None

    def _told(self, error: DBAPIError) -> BallastError:
        code, says = state(error), " ".join(str(error.orig).split())
        if passes(error):
            return ResourceError(
                f"the store {self.place} does not answer: see that PostgreSQL runs there and BALLAST_STORE is right"
            )
        if code.startswith(FULL):
            return ResourceError(f"the disk or the memory of the store {self.place} is full: make room there")
        if code.startswith(REFUSED) or isinstance(error.orig, OSError) or not code:
            return ResourceError(f"the store {self.place} refuses ({says}): look at user, password and name in its URL")
        return ResourceError(f"the store {self.place} met an error ({says}): look at the log of PostgreSQL")

    def sparing(self, attempt: Callable[[], T]) -> T:
        return attempt()

    def lay_by(self) -> None:
        """Nothing: the disk is the server's."""

    def faults(self) -> list[str]:
        return []

    def copy(self, target: Path) -> None:
        """Write all rows, as of one moment, to a SQLite file: a backup, or a home to go on with on one machine."""
        new = File(target)
        try:
            self._copy(new)
        except DBAPIError as error:
            raise self._told(error) from None
        finally:
            new.close()

    def _copy(self, new: File) -> None:
        snapshot = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as db:
            for table in METADATA.sorted_tables:
                found = db.execution_options(yield_per=5_000).execute(select(table))
                for part in found.mappings().partitions():
                    values = [dict(row) for row in part]
                    new.change(lambda db, table=table, values=values: db.execute(insert(table), values))  # type: ignore[misc]


def state(error: DBAPIError) -> str:
    """The SQLSTATE of an error; "" where the server could not even be reached."""
    return getattr(error.orig, "sqlstate", None) or ""


def passes(error: DBAPIError) -> bool:
    """Whether the same transaction may do well a moment later."""
    code = state(error)
    unreachable = not code and "authentication" not in str(error.orig) and "does not exist" not in str(error.orig)
    lost = error.connection_invalidated or type(error.orig).__name__ == "OperationalError"
    return code in AGAIN or code.startswith(GONE) or (unreachable and lost)


def address(url: str) -> URL:
    """The URL of a server; plain postgresql:// means psycopg too.

    raises  ConfigError for one of another kind
    """
    try:
        found = make_url(url)
    except (ArgumentError, NoSuchModuleError, ValueError):
        found = None
    if found is None or found.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ConfigError(
            "BALLAST_STORE is the path of a file or postgresql+psycopg://USER:PASSWORD@HOST/NAME, got something else: "
            "correct or unset it"
        )
    return found.set(drivername="postgresql+psycopg")
