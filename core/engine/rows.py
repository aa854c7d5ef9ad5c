"""Rows of the store as values. A row that cannot be read is isolated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from core.types import EventRow, RunRecord, Status

JSON: Mapping[str, type] = {
    "config": dict, "versions": dict, "seconds": dict, "result": dict, "basis": dict, "notes": list,
}  # fmt: skip
RECORD = (
    "id", "kind", "name", "status", "config", "created", "started", "finished", "device", "versions", "data_hash",
    "seconds", "peak_rss_mb", "result", "error", "resumable", "digest", "basis", "parent", "notes", "deleted",
    "visitor", "host", "attempt",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that a worker has made its own.

    token  tells this claim from every other one; "" where nobody asks for it
    """

    id: str
    kind: str
    config: Mapping[str, Any]
    token: str = ""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The process that works on a run: its pid, when that process was born, its last sign of life, requests to stop.

    born            of `core.engine.process`; tells it from a later process with the same pid
    beat            monotonic seconds of its machine at its last sign of life, None before the first
    cancel, finish  since when, in seconds since the epoch: to end without a result, and with the best one so far
    token, host     of its claim, and of the machine it works on
    left            seconds until its lease ends by the clock of the database, negative after that
    """

    pid: int
    born: float
    beat: float | None
    cancel: float | None
    finish: float | None
    token: str
    host: str
    left: float


def record(row: Mapping[str, Any]) -> RunRecord:
    """A row as a value; one with a damaged part is `damaged`, failed, known by nothing, and says which part it is."""
    values, bad = dict(row), []
    for name, kind in JSON.items():
        try:
            found = json.loads(values[name])
        except (ValueError, TypeError, RecursionError):
            found = None
        if not isinstance(found, kind):
            bad.append(name)
            found = kind()
        values[name] = found
    bad += [name for name in ("created", "started", "finished") if not isinstance(values[name], float | int | None)]
    bad += ["status"] if values["status"] not in get_args(Status) else []
    values |= {"resumable": bool(values["resumable"]), "notes": tuple(map(str, values["notes"]))}
    if bad:
        says = f"the stored row of this run is damaged ({', '.join(bad)}): delete it, its files are kept until then"
        values |= {name: None for name in ("started", "finished")} | {"created": 0.0, "config": {}, "result": {}}
        values |= {"status": "failed", "error": says, "damaged": True, "resumable": False, "digest": "", "parent": ""}
    return RunRecord(**values)


def event(row: Mapping[str, Any]) -> EventRow:
    """A row as a value; values that cannot be read are none."""
    try:
        values = json.loads(row["values"])
    except (ValueError, TypeError):
        values = {}
    return EventRow(**{**dict(row), "values": values if isinstance(values, dict) else {}})


def encoded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the columns of those names hold them."""
    return {name: _encoded(name, value) for name, value in fields.items()}


def _encoded(name: str, value: Any) -> Any:
    if name in JSON:
        return json.dumps(value, default=dict)
    return int(value) if isinstance(value, bool) else value


def stored(record: RunRecord) -> dict[str, Any]:
    """The row of a run that ended elsewhere, without the lane in which it stood."""
    values = encoded({name: getattr(record, name) for name in RECORD})
    return values | {"queued": record.created, "method": method(record.config)}


def method(config: Mapping[str, Any]) -> str:
    """The method that settings name, or ""; runs are found by it."""
    found = config.get("method")
    name = found.get("name") if isinstance(found, Mapping) else None
    return name if isinstance(name, str) else ""
