"""How the command line speaks: one moving line of progress, results as aligned lines or JSON."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from core.events import Progress
from core.types import EventRow, RunRecord

EVERY_S = 0.2
BRIEF = 6  # entries of a list that are still printed for people


class Ticker:
    """One line on the error output that says where the work is; silent when that is no terminal."""

    def __init__(self) -> None:
        self._last, self._width, self._live = 0.0, 0, sys.stderr.isatty()

    def __call__(self, event: Progress) -> None:
        now = time.monotonic()
        if not self._live or (now - self._last < EVERY_S and event.done != event.total):
            return
        self._last = now
        count = f" {event.done}/{event.total} {event.unit}" if event.total else ""
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in event.values.items())
        line = f"{event.stage}{count}  {numbers}  {event.note}"[:140]
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")


def titled(words: str, event: EventRow) -> Progress:
    """An event of one run among many, with the run in words before its stage."""
    return Progress(
        stage=f"{words}: {event.stage}", done=event.done, total=event.total, unit=event.unit, note=event.note
    )


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1)


def record(run: RunRecord) -> dict[str, Any]:
    """A run as JSON values."""
    return asdict(run)


def listing(runs: Sequence[RunRecord]) -> str:
    """One line a run: id, state, time, accuracies, name."""
    if not runs:
        return "no runs yet"
    lines = [f"{'id':24} {'status':12} {'created':17} {'clean':>6} {'robust':>6}  name"]
    for run in runs:
        created = datetime.fromtimestamp(run.created).strftime("%Y-%m-%d %H:%M")
        clean, robust = (_share(run.result.get(name)) for name in ("clean_acc", "robust_acc"))  # of any kind
        lines.append(f"{run.id:24} {run.status:12} {created:17} {clean:>6} {robust:>6}  {run.name}")
    return "\n".join(lines)


def result(run: RunRecord) -> str:
    """What a run found, one aligned line a name; long lists are left to --json."""
    rows = {"run": run.id, "status": run.status, "name": run.name} | dict(run.result)
    if run.error:
        rows["error"] = run.error
    rows |= {f"note {number}": note for number, note in enumerate(run.notes, start=1)}
    short = {name: value for name, value in rows.items() if not isinstance(value, list | dict) or len(value) <= BRIEF}
    width = max(map(len, short))
    return "\n".join(f"{name:{width}}  {_text(value)}" for name, value in short.items())


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "–"
    return "–" if value is None else str(value)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"
