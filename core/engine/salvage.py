"""What is saved of a home: rows of a damaged store, runs by the records they left, and everything in a backup."""

import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from core.engine import locks, statements, trouble, writing
from core.engine.database import Database, File
from core.engine.kept import DAMAGED, move_aside
from core.engine.store import Store
from core.engine.tables import METADATA
from core.types import ENDED, RunRecord

BACKED_UP = ("runs", "trash", "studies", "data")
KEYS = {name: tuple(column.name for column in table.primary_key) for name, table in METADATA.tables.items()}


def renew(path: Path) -> str:
    """Put a damaged store aside and a new one in its place, with all rows that can be read; says what was saved."""
    aside = move_aside(path)
    for tail in ("-wal", "-shm"):
        if (beside := path.with_name(path.name + tail)).exists():
            beside.replace(aside.with_name(aside.name + tail))
    new = File(path)
    try:
        counts = {table: _take(new, table, _readable(aside, table)) for table in KEYS}
    finally:
        new.close()
    told = ", ".join(f"{count} {table}" for table, count in counts.items())
    return f"it is kept as {aside.name}; the new store holds what could be read: {told}"


def _take(new: Database, table: str, found: Iterator[dict[str, Any]]) -> int:
    into = METADATA.tables[table]

    def take(db: Connection) -> int:
        rows = ({name: row[name] for name in row if name in into.c} for row in found)
        return sum(statements.put(db, into, row, over=False) for row in rows)

    return new.change(take, durable=True)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _readable(path: Path, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table that can be read, from the front and, where that stops, from the back."""
    seen: set[tuple[Any, ...]] = set()
    keys = KEYS[table]
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
                db.row_factory = sqlite3.Row
                by = ", ".join(f"{_quoted(key)} {order}" for key in (keys if table != "runs" else ("rowid",)))
                for row in db.execute(f"SELECT * FROM {table} ORDER BY {by}"):
                    mark = tuple(row[key] for key in keys)
                    if mark not in seen:
                        seen.add(mark)
                        yield dict(row)
        except sqlite3.Error:
            continue  # the other direction may reach what lies behind


def adopt(store: Store, values: Mapping[str, Any]) -> None:
    """Put a run back into the store, or its row right, by the record it left.

    raises  TypeError, KeyError or ValueError when that is no record
    """
    found = RunRecord(**values)
    if found.status not in ENDED or found.damaged:
        raise ValueError(f"a record of a run that is {found.status}")
    store.adopt(found)


def backup(store: Store, home: Path, target: Path) -> str:
    """Write a zip from which the home can be put back; says what is in it.

    The store is copied first, as of one moment. Files are replaced in one step by whoever writes them, so each is
    whole; a run that goes on meanwhile is interrupted in the copy and can be resumed there.

    raises  ResourceError when it cannot be written
    """
    count = 0
    try:
        with tempfile.TemporaryDirectory(prefix="ballast-") as folder:
            store.copy(Path(folder) / store.path.name)
            with writing.replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
                file.write(Path(folder) / store.path.name, store.path.name)
                for path in _files(home):
                    try:
                        file.write(path, path.relative_to(home))
                    except FileNotFoundError:
                        continue  # a checkpoint that was not needed any more
                    count += 1
    except OSError as error:
        raise trouble.of_files(error, target) from None
    return f"{target} holds the store and {count} files: unzip it into an empty folder and set BALLAST_HOME to that"


def _files(home: Path) -> Iterator[Path]:
    for name in BACKED_UP:
        for path in sorted((home / name).rglob("*")):
            left_out = path.name == locks.RUN_LOCK or DAMAGED in path.name or path.name.endswith(writing.TEMPORARY)
            if path.is_file() and not left_out:
                yield path
