"""The tables of the store, once for SQLite and PostgreSQL, and the three questions that the two ask in other words.

`core.engine.schema` makes them and brings older stores up to date. Values of many parts are JSON as text, so that one
that is damaged is isolated by whoever reads it instead of failing the whole query.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

METADATA = MetaData()


def _text(name: str, default: str | None = "") -> Column[str]:
    """A text that is never NULL."""
    return Column(name, Text, nullable=False, server_default=default)


RUNS = Table(
    "runs", METADATA,
    Column("id", Text, primary_key=True),
    *(_text(name, None) for name in ("kind", "lane", "name", "status", "config", "digest")),
    Column("created", Double, nullable=False),
    Column("queued", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    _text("device"), _text("versions", "{}"), _text("data_hash"), _text("seconds", "{}"),
    Column("peak_rss_mb", Double, nullable=False, server_default="0"),
    _text("result", "{}"), _text("error"),
    Column("resumable", Integer, nullable=False, server_default="0"),
    Column("cancel", Double),
    Column("pid", Integer),
    Column("born", Double),
    _text("parent"), _text("basis", "{}"),
    Column("finish", Double),
    _text("notes", "[]"),
    Column("beat", Double),
    Column("restarts", Integer, nullable=False, server_default="0"),
    Column("deleted", Double),
    _text("visitor"), _text("method"), _text("owner"), _text("host"),
    Column("lease", Double),
    Column("attempt", Integer, nullable=False, server_default="0"),
)  # fmt: skip
Index("runs_by_queue", RUNS.c.status, RUNS.c.lane, RUNS.c.queued)
Index("runs_by_digest", RUNS.c.kind, RUNS.c.digest, RUNS.c.created)
Index("runs_by_parent", RUNS.c.parent, RUNS.c.kind, RUNS.c.created)
Index("runs_by_time", RUNS.c.deleted, RUNS.c.created)
Index("runs_by_owner", RUNS.c.owner)

EVENTS = Table(
    "events", METADATA,
    Column("run", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    _text("stage", None),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    _text("unit", None), _text("values", None), _text("note", None),
    sqlite_with_rowid=False,
)  # fmt: skip

SETTINGS = Table(
    "settings", METADATA, Column("key", Text, primary_key=True), _text("value", None), sqlite_with_rowid=False
)


class Moment(FunctionElement[float]):
    """Seconds since the epoch by the clock of the database, which is one clock for all who ask."""

    type, name, inherit_cache = Double(), "moment", True


class Up(FunctionElement[float]):
    """Seconds since the database began to answer; a file always did."""

    type, name, inherit_cache = Double(), "up", True


class Within(FunctionElement[int]):
    """Where a text has another one in it, counted from 1; 0 where it has not."""

    type, name, inherit_cache = Integer(), "within", True


@compiles(Moment, "sqlite")
def _moment_of_a_file(element: Moment, compiler: SQLCompiler, **options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(Moment, "postgresql")
def _moment_of_a_server(element: Moment, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(Up, "sqlite")
def _up_of_a_file(element: Up, compiler: SQLCompiler, **options: Any) -> str:
    return "1e9"


@compiles(Up, "postgresql")
def _up_of_a_server(element: Up, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) AS DOUBLE PRECISION)"


@compiles(Within, "sqlite")
def _within_in_a_file(element: Within, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(Within, "postgresql")
def _within_in_a_server(element: Within, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"
