"""Do the run or the study of a bundle again, and hold its numbers against those in the bundle.

A study is done anew in this home, whatever of it was done before; when it is stopped in between, the same call goes on.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.api import visitors, work
from core.api.study import WORK
from core.api.workplace import executor, home, store
from core.engine import artifacts, writing
from core.errors import DataError, RunError
from core.events import Progress
from core.jobs.result_rows import Interval
from core.jobs.results import RunResult
from core.settings.study import Cell, Study, plan
from core.study import bundle
from core.study.bundle import Bundle, Record
from core.study.desk import Desk
from core.study.done import finished
from core.types import EventRow, RunRecord

__all__ = ["Number", "Reproduced", "read", "run_again", "study_again"]
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
    """What came of one run; `run` is the new run's id, `title` the run in words."""

    run: str
    title: str
    numbers: tuple[Number, ...]
    notes: tuple[str, ...]


def read(path: Path) -> Bundle:
    """What a zip asks to be done again; DataError for a file that is no bundle."""
    return bundle.read(path)


def run_again(found: Bundle, on_event: Callable[[Progress], None] = lambda event: None) -> Reproduced:
    """Do the run of a bundle again in this process.

    raises  DataError for a run that found no accuracies, RunError when the new run fails
    """
    (record,) = found.records
    _known(record)
    again = work.here("run", record["config"], name=f"{record.get('name', '')} again", on_event=on_event)
    if again.status != "done":
        raise RunError(again.error or f"{again.status}: run {again.id}")
    return _held(str(record.get("name", "")), record, again)


def study_again(
    found: Bundle, listen: Callable[[str, EventRow], None] = lambda words, event: None
) -> Iterator[Reproduced]:
    """Do the study of a bundle again, as many runs at a time as the executor takes; yields the cells that it tells of.

    raises  DataError for a bundle without a finished cell, RunError when a run fails or is stopped: the others stay
            and are not done once more by the next call
    """
    visitors.refuse_guests("do a study again")
    study, before = _asked(found)
    mark = home() / "studies" / "again" / f"{_name(found)}.json"
    desk = Desk(
        name=f"{found.name} again", store=store(), home=home(), executor=executor(), at_once=executor().at_once(),
        since=_since(mark),
    )  # fmt: skip
    for cell, record in WORK(study, desk, lambda cell, event: listen(cell.words, event)):
        if record.status != "done":
            raise RunError(f"{cell.words}: {record.error or record.status}; the same command goes on from there")
    done = finished(store(), desk.since)
    for cell, _ in before:
        if cell.digest not in done:
            raise RunError(f"{cell.words} is being done by another process: the same command goes on when it has ended")
    mark.unlink(missing_ok=True)
    for cell, record in before:
        yield _held(cell.words, record, done[cell.digest])


def _asked(found: Bundle) -> tuple[Study, list[tuple[Cell, Record]]]:
    """The study, and the cells that the bundle tells of with their records."""
    assert found.study is not None
    known = {_settings(record["config"]): record for record in found.records}
    cells = [(cell, known[text]) for cell in plan(found.study) if (text := _settings(cell.values)) in known]
    if not cells:
        raise DataError(f"the study {found.name} has no finished cell in this bundle: export it when there are some")
    for _, record in cells:
        _known(record)
    return found.study, cells


def _settings(config: Any) -> str:
    return json.dumps(config, sort_keys=True)


def _name(found: Bundle) -> str:
    """The same for equal bundles, and a file name."""
    assert found.study is not None
    told = _settings([found.name, found.study.to_json(), [record.get("id") for record in found.records]])
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def _since(mark: Path) -> float:
    """When this study was begun again, remembered until it is complete."""
    if not mark.exists():
        writing.save_json(mark, {"began": time.time()})
    return float(artifacts.load_json(mark)["began"])


def _known(record: Record) -> list[tuple[str, float, Interval]]:
    """The accuracies of a record with their intervals."""
    before = RunResult.read(record["result"])
    known = [
        (name, value, interval)
        for name, of in ACCURACIES.items()
        if (value := getattr(before, name)) is not None and (interval := getattr(before, of)) is not None
    ]
    if not known:
        raise DataError("the bundle holds a run that found no accuracies: export a finished run")
    return known


def _held(title: str, record: Record, again: RunRecord) -> Reproduced:
    before, now = RunResult.read(record["result"]), RunResult.of(again)
    numbers = tuple(_number(name, value, getattr(now, name), interval) for name, value, interval in _known(record))
    notes = _notes(record, before, now, again.versions)
    return Reproduced(run=again.id, title=title, numbers=numbers, notes=notes)


def _number(name: str, before: float, now: float, interval: Interval) -> Number:
    verdict: Verdict = (
        "equal" if now == before else "within interval" if interval[0] <= now <= interval[1] else "different"
    )
    return Number(name=name, before=before, now=now, interval=interval, verdict=verdict)


def _notes(record: Record, before: RunResult, now: RunResult, versions: Any) -> tuple[str, ...]:
    """What else differs, and may be why."""
    notes = []
    if before.data_hash != now.data_hash:
        notes.append("the data are not those of the bundle: their content has another hash")
    old = record.get("versions", {})
    if changed := [f"{name} {old[name]} then, {versions[name]} now" for name in old if versions.get(name) != old[name]]:
        notes.append("versions differ: " + "; ".join(changed))
    return tuple(notes)
