"""How far work is, in words: stages, counts, rates, what a queued run waits for."""

from collections.abc import Collection, Sequence

from core.types import EventRow, RunRecord
from core.ui import naming, words

STAGES = {"load": "Load", "condense": "Condense", "map": "Map", "train": "Train", "evaluate": "Evaluate"}


def of(events: Sequence[EventRow]) -> tuple[float, float | None]:
    """Units per second and seconds left of the stage that runs, from its own events.

    returns  (0.0, None) until two events of the stage tell
    """
    last = events[-1] if events else None
    stage = [e for e in events if (e.stage, e.unit) == (last.stage, last.unit)][-60:] if last else []
    if len(stage) < 2 or stage[-1].time <= stage[0].time or stage[-1].done <= stage[0].done:
        return 0.0, None
    rate = (stage[-1].done - stage[0].done) / (stage[-1].time - stage[0].time)
    return rate, (stage[-1].total - stage[-1].done) / rate if stage[-1].total else None


def waiting(first: RunRecord | None, ahead: int, events: Sequence[EventRow]) -> str:
    """What a queued run waits for, its place and, where it is known, how long the stage of the first one takes yet.

    first   of the runs ahead, `ahead` in all
    events  those of the first
    """
    if first is None:
        return "Next in line: a worker is getting ready"
    more = f" and {ahead - 1} more" if ahead > 1 else ""
    parts = [f"Waits for “{naming.title(first)}”{more}", f"place {ahead + 1} in line"]
    if (left := of(events)[1]) is not None:
        parts.append(f"the present stage of the first ends in about {words.duration(left)}")
    return " · ".join(parts)


def line(events: Sequence[EventRow]) -> str:
    """Stage, count, rate and time left in one line."""
    if not events:
        return "Waiting for a worker: other runs may be first"
    last = events[-1]
    parts = [STAGES.get(last.stage, last.stage)]
    if last.total:
        parts.append(f"{last.done:,} of {last.total:,} {last.unit}")
    rate, left = of(events)
    if rate:
        parts.append(f"{rate:,.3g} {last.unit}/s")
    if left:
        parts.append(f"about {words.duration(left)} left")
    if last.note:
        parts.append(words.plain(last.note, 200))
    return " · ".join(parts)


def steps(stage: str, ended: bool, seen: Collection[str] = ()) -> str:
    """The stages as one line of markdown, the present one bold; `seen` began already, whatever their order."""
    told = []
    for name, title in STAGES.items():
        done = ended or (name in seen and name != stage)
        told.append(f":green[✓ {title}]" if done else f"**{title}**" if name == stage else f":gray[{title}]")
    return " &nbsp;›&nbsp; ".join(told)


def announced(events: Sequence[EventRow]) -> str:
    """What a stage that is going on said it would cost, in its first words; "" when it said nothing of the kind."""
    notes = [event.note for event in events if event.stage == events[-1].stage and " expected on " in event.note]
    return notes[0] if notes else ""
