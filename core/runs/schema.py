"""The tables of the store and how an older file is brought up to date.

`PRAGMA user_version` counts the steps that were applied; a new version appends one step.
"""

import sqlite3

from core.errors import RunError

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
)


def prepare(db: sqlite3.Connection) -> None:
    """Bring an opened store to the newest version; several processes may do so at once.

    raises  RunError when the file was written by a newer Ballast
    """
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if _version(db) == len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        if version > len(STEPS):
            raise RunError(
                f"the store of runs has version {version}, this program knows up to {len(STEPS)}: "
                "start the newer Ballast that wrote it, or set BALLAST_HOME to another folder"
            )
        for step in STEPS[version:]:
            for statement in filter(str.strip, step.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]
