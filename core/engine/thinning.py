"""Few events of a run in the store, all of them in its metrics.csv, however long it works.

Of each stage the store keeps the first and the last, the best of every value, and an even sample of the others; those
with an accuracy are sampled apart, so that the points of a curve are the last to go. What leaves the store is first
written to thinned.jsonl in the run's folder, from where metrics.csv takes it back.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from heapq import merge
from pathlib import Path
from typing import TextIO

from core.engine import writing
from core.engine.store import Store
from core.types import EventRow
from core.types.spreadsheet import cell

WINDOW = 20_000  # events that are looked at together
KEEP = 400  # events of one kind of one stage; twice as many before some go
SPILLED, BEGIN = "thinned.jsonl", b'{"seq": '
METRICS = "metrics.csv"


def chosen(events: Sequence[EventRow]) -> set[int]:
    """The `seq` of the events that stay."""
    groups: defaultdict[tuple[str, bool], list[EventRow]] = defaultdict(list)
    for event in events:
        groups[event.stage, any(name.endswith("_acc") for name in event.values)].append(event)
    return set().union(*map(_of_group, groups.values()))


def _of_group(events: Sequence[EventRow]) -> set[int]:
    if len(events) <= 2 * KEEP:
        return {event.seq for event in events}
    keep = {events[0].seq, events[-1].seq}
    keep |= (
        {event.seq for event in {event.note: event for event in reversed(events)}.values()} if _few(events) else set()
    )
    for name in {name for event in events for name in event.values}:
        having = [event for event in events if name in event.values]
        keep |= {pick(having, key=lambda event: event.values[name]).seq for pick in (min, max)}
    step = (events[-1].seq - events[0].seq) / (KEEP - 1)
    due = float(events[0].seq)
    for event in events:
        if event.seq >= due:
            keep.add(event.seq)
            due += step * max(1, (event.seq - due) // step + 1) if event.seq > due else step
    return keep


def _few(events: Sequence[EventRow]) -> bool:
    """Whether the notes are announcements rather than counters, so that the first of each is worth keeping."""
    return len({event.note for event in events}) <= KEEP // 4


def thin(store: Store, folder: Path, run_id: str) -> int:
    """Take the events that need not stay out of the store, and keep them in the folder; how many they were."""
    went, after, windows = 0, 0, 0
    while events := store.events(run_id, after, limit=WINDOW):
        went, after, windows = went + _thin(store, folder, run_id, events), events[-1].seq, windows + 1
    return went + thin(store, folder, run_id) if went and windows > 1 else went


def _thin(store: Store, folder: Path, run_id: str, events: Sequence[EventRow]) -> int:
    keep = chosen(events)
    going = [event for event in events if event.seq not in keep]
    if going:
        lines = "".join("\n" + json.dumps(asdict(event)) for event in going)
        writing.append(folder / SPILLED, lines.encode())
        store.drop_events(run_id, [event.seq for event in going])
    return len(going)


def every(store: Store, folder: Path, run_id: str) -> Iterator[EventRow]:
    """All events that the run ever told, in order."""
    last = 0
    for event in merge(_spilled(folder / SPILLED), iter(store.events(run_id)), key=lambda event: event.seq):
        if event.seq > last:  # else it is in both, or was written twice by an attempt that was killed
            last = event.seq
            yield event


def _spilled(path: Path) -> Iterator[EventRow]:
    """What thinning took out, in order; only the places of its lines are held in memory."""
    if not path.exists():
        return
    with path.open("rb") as file:
        places: dict[int, int] = {}
        at = 0
        for line in file:
            if line.startswith(BEGIN) and line[len(BEGIN) :].split(b",", 1)[0].isdigit():
                places[int(line[len(BEGIN) :].split(b",", 1)[0])] = at
            at += len(line)
        for seq in sorted(places):
            file.seek(places[seq])
            try:
                yield EventRow(**json.loads(file.readline()))
            except (ValueError, TypeError):  # the line in which a process was killed; the store still has it
                continue


def write_metrics(store: Store, folder: Path, run_id: str, out: TextIO) -> None:
    """All events as CSV: one line each, one column for every value that occurs."""
    names = list(dict.fromkeys(name for event in every(store, folder, run_id) for name in event.values))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["seq", "time", "stage", "done", "total", "unit", *names, "note"])
    for e in every(store, folder, run_id):
        row = [e.seq, e.time, e.stage, e.done, e.total, e.unit, *(e.values.get(name, "") for name in names), e.note]
        writer.writerow(map(cell, row))


def keep_metrics(store: Store, folder: Path, run_id: str) -> None:
    """Write metrics.csv of a run into its folder."""
    with writing.replacing(folder / METRICS) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        write_metrics(store, folder, run_id, out)
