"""How the tables of `core.engine.tables` are made, and how an older store is brought up to date.

A version counts the steps that were applied: `PRAGMA user_version` in a file, the table `ballast_schema` on a server,
which begins with the newest tables. A new version appends one step, in words that both databases understand, to STEPS.
An older file is copied before it is changed.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from core.engine.tables import METADATA
from core.engine.writing import replacing
from core.errors import RunError

TABLES = {"runs", "events", "settings"}  # what a store of ours has had since the first version
OURS = 0x42616C73  # application_id of our files; those of earlier versions have none

STEPS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        lane TEXT NOT NULL,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        config TEXT NOT NULL,
        digest TEXT NOT NULL,
        created REAL NOT NULL,
        queued REAL NOT NULL,
        started REAL,
        finished REAL,
        device TEXT NOT NULL DEFAULT '',
        versions TEXT NOT NULL DEFAULT '{}',
        data_hash TEXT NOT NULL DEFAULT '',
        seconds TEXT NOT NULL DEFAULT '{}',
        peak_rss_mb REAL NOT NULL DEFAULT 0,
        result TEXT NOT NULL DEFAULT '{}',
        error TEXT NOT NULL DEFAULT '',
        resumable INTEGER NOT NULL DEFAULT 0,
        cancel REAL,
        pid INTEGER,
        born REAL
    );
    CREATE INDEX runs_by_queue ON runs (status, lane, queued);
    CREATE INDEX runs_by_digest ON runs (kind, digest, created);
    CREATE TABLE events (
        run TEXT NOT NULL,
        seq INTEGER NOT NULL,
        time REAL NOT NULL,
        stage TEXT NOT NULL,
        done INTEGER NOT NULL,
        total INTEGER NOT NULL,
        unit TEXT NOT NULL,
        "values" TEXT NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID;
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE runs ADD COLUMN parent TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN basis TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE runs ADD COLUMN finish REAL;
    CREATE INDEX runs_by_parent ON runs (parent, kind, created);
    """,
    """
    ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE runs ADD COLUMN beat REAL;
    ALTER TABLE runs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN deleted REAL;
    CREATE INDEX runs_by_time ON runs (deleted, created);
    """,
    """
    ALTER TABLE runs ADD COLUMN visitor TEXT NOT NULL DEFAULT '';
    """,
    """
    ALTER TABLE runs ADD COLUMN method TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN host TEXT NOT NULL DEFAULT '';
    ALTER TABLE runs ADD COLUMN lease DOUBLE PRECISION;
    ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX runs_by_owner ON runs (owner);
    UPDATE runs SET method = coalesce(json_extract(config, '$.method.name'), '') WHERE json_valid(config);
    """,
)
FIRST_ON_SERVERS = 5  # steps whose outcome a server began with


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Bring an opened store to the newest version; several processes may do so at once.

    raises  RunError when the file was written by a newer Ballast, or by another program
    """
    _recognise(db, path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if _version(db) == len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        done = _version(db)
        if 0 < done < len(STEPS):
            _keep(path, done)
        for step in STEPS[done:]:
            for statement in filter(str.strip, step.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute(f"PRAGMA application_id = {OURS}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _keep(path: Path, version: int) -> None:
    """Copy a file of an older version, as it was before it is changed, to a name that says which."""
    target = path.with_name(f"{path.name}.version-{version}")
    if target.exists():
        return
    with (
        replacing(target) as temporary,
        closing(sqlite3.connect(path)) as old,
        closing(sqlite3.connect(temporary)) as new,
    ):
        old.backup(new)


def prepare_server(db: Connection, place: str) -> None:
    """Make the tables on a server, or bring them to the newest version; one of many who come at once does so.

    raises  RunError when they were made by a newer Ballast, or by another program
    """
    db.execute(text(f"SELECT pg_advisory_xact_lock({OURS})"))
    there = set(inspect(db).get_table_names())
    if "ballast_schema" not in there:
        if there & TABLES:
            raise RunError(
                f"the tables of {place} were made by another program: name another database in BALLAST_STORE"
            )
        METADATA.create_all(db)
        db.execute(text("CREATE TABLE ballast_schema (version INTEGER NOT NULL)"))
        db.execute(text(f"INSERT INTO ballast_schema VALUES ({len(STEPS)})"))
        return
    version = int(db.execute(text("SELECT version FROM ballast_schema")).scalar_one())
    _not_newer(version, f"the store {place}", "name another database in BALLAST_STORE")
    for step in STEPS[max(version, FIRST_ON_SERVERS) :]:
        for statement in filter(str.strip, step.split(";")):
            db.execute(text(statement))
    if version < len(STEPS):
        db.execute(text(f"UPDATE ballast_schema SET version = {len(STEPS)}"))


def _not_newer(version: int, what: str, otherwise: str) -> None:
    if version > len(STEPS):
        raise RunError(
            f"{what} has version {version}, this program knows up to {len(STEPS)}: start the newer Ballast that "
            f"wrote it, or {otherwise}"
        )


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    """Refuse what was not written by a Ballast of this version or an earlier one, before anything is changed."""
    _not_newer(_version(db), f"the store {path}", "set BALLAST_HOME to another folder")
    mark = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if mark not in (0, OURS) or (tables and not tables >= TABLES):
        raise RunError(
            f"the store {path} was written by another program: move it away, or set BALLAST_HOME to another folder"
        )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
