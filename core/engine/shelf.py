"""Ended runs that lie in a folder as text and files, and the store that reads them: what ships with the project.

A shelf is a folder like a home: runs/ID/shelved.json holds a run's row and its events, beside it the files it left;
cache/ holds the data sets they are about. Opened, it is a store in memory: nothing on the disk is ever changed by it.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from core.engine import artifacts, rows, writing
from core.engine.database import MEMORY
from core.engine.store import Store
from core.engine.tables import EVENTS, RUNS
from core.types import EventRow, RunRecord

FILE = "shelved.json"
DROPPED = ("record.json", "alive.lock", "worker.log", "metrics.csv", "data.json", "best.safetensors")


class Shelf(Store):
    """The runs of a shelf as a store in memory; an empty one where there is no such folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(MEMORY)
        for path in sorted(folder.glob(f"runs/*/{FILE}")):
            found = artifacts.load_json(path)
            self._keep(RunRecord(**found["record"]), [EventRow(**event) for event in found["events"]])

    def _keep(self, record: RunRecord, events: Iterable[EventRow]) -> None:
        told = [vars(event) | {"run": record.id, "values": json.dumps(event.values)} for event in events]

        def add(db: Connection) -> None:
            db.execute(insert(RUNS).values(rows.stored(record) | {"lane": "shelf"}))
            if told:
                db.execute(insert(EVENTS), told)

        self._db.change(add)


def put(folder: Path, source: Path, record: RunRecord, events: Iterable[EventRow], names: Mapping[str, str]) -> None:
    """Write an ended run with what it left to a shelf.

    source  its folder now
    names   texts of its settings that become others: ids, and paths that are of one machine only
    """
    target = folder / "runs" / record.id
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.suffix == ".json" and path.name not in DROPPED:
            _save(target / path.name, renamed(artifacts.load_json(path), names))
        elif path.is_file() and path.name not in DROPPED and not path.name.startswith((".", "checkpoint-")):
            shutil.copyfile(path, target / path.name)
    told = replace(record, config=renamed(record.config, names), result=renamed(record.result, names))
    told = replace(told, digest="", basis={}, resumable=False, parent=names.get(record.parent, record.parent))
    _save(target / FILE, {"record": asdict(told), "events": [asdict(event) for event in events]})


def _save(path: Path, value: Any) -> None:
    """JSON without a blank: a quarter smaller."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    writing.save_bytes(path, text.encode())


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """JSON values with texts replaced, within longer texts as well."""
    if isinstance(value, Mapping):
        return {name: renamed(part, names) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [renamed(part, names) for part in value]
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value
