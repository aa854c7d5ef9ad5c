"""Do the run of a bundle again, and hold its numbers against those in the bundle.

A bundle is the zip that a run is downloaded as. Only its record is read, as JSON: settings and what was found.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.api import work
from core.errors import DataError, RunError
from core.events import Progress
from core.jobs.result_rows import Interval
from core.jobs.results import RunResult

__all__ = ["Number", "Reproduced", "reproduce"]
MOST_BYTES = 50_000_000  # of a record
Verdict = Literal["equal", "within interval", "different"]
ACCURACIES = {"clean_acc": "clean_interval", "robust_acc": "interval"}  # with their intervals


@dataclass(frozen=True, kw_only=True)
class Number:
    """One accuracy before and now; within interval means within the 95 % interval that it had before."""

    name: str
    before: float
    now: float
    interval: Interval
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """What came of it; `run` is the new run's id."""

    run: str
    numbers: tuple[Number, ...]
    notes: tuple[str, ...]


def reproduce(bundle: Path, on_event: Callable[[Progress], None] = lambda event: None) -> Reproduced:
    """Run the settings in a bundle again in this process.

    raises  DataError for a file that is no bundle of a finished run, RunError when the new run fails
    """
    record = _record(bundle)
    before = RunResult.read(record["result"])
    known = [
        (name, value, interval)
        for name, of in ACCURACIES.items()
        if (value := getattr(before, name)) is not None and (interval := getattr(before, of)) is not None
    ]
    if not known:
        raise DataError(f"{bundle.name} holds a run that found no accuracies: export a finished run")
    again = work.here("run", record["config"], name=f"{record.get('name', '')} again", on_event=on_event)
    if again.status != "done":
        raise RunError(again.error or f"{again.status}: run {again.id}")
    now = RunResult.of(again)
    numbers = tuple(_held(name, value, getattr(now, name), interval) for name, value, interval in known)
    return Reproduced(run=again.id, numbers=numbers, notes=_notes(record, before, now, again.versions))


def _record(bundle: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(bundle) as file:
            if file.getinfo("record.json").file_size > MOST_BYTES:
                raise DataError(
                    f"the record in {bundle.name} is larger than {MOST_BYTES // 10**6} MB: no run writes one"
                )
            record = json.loads(file.read("record.json"))
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{bundle.name} is no bundle of a run: {error}; export one on the page Runs") from None
    if not isinstance(record, dict) or record.get("kind") != "run" or not {"config", "result"} <= set(record):
        raise DataError(f"{bundle.name} holds no whole run: export one on the page Runs")
    return record


def _held(name: str, before: float, now: float, interval: Interval) -> Number:
    verdict: Verdict = (
        "equal" if now == before else "within interval" if interval[0] <= now <= interval[1] else "different"
    )
    return Number(name=name, before=before, now=now, interval=interval, verdict=verdict)


def _notes(record: dict[str, Any], before: RunResult, now: RunResult, versions: Any) -> tuple[str, ...]:
    """What else differs, and may be why."""
    notes = []
    if before.data_hash != now.data_hash:
        notes.append("the data are not those of the bundle: their content has another hash")
    old = record.get("versions", {})
    if changed := [f"{name} {old[name]} then, {versions[name]} now" for name in old if versions.get(name) != old[name]]:
        notes.append("versions differ: " + "; ".join(changed))
    return tuple(notes)
