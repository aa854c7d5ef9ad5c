"""Numbers and states in words: the same wording on every page."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from core import api
from core.types import EventRow, RunRecord

STAGES = {"load": "Load", "condense": "Condense", "map": "Map", "train": "Train", "evaluate": "Evaluate"}
CLAIMS = {
    "pgd": "PGD only, not AutoAttack",
    "strong": "PGD and margin PGD, not AutoAttack",
    "autoattack": "AutoAttack, standard",
}
STATUS_COLOURS = {
    "queued": "gray",
    "running": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "gray",
    "interrupted": "orange",
}


def claim(attack: str) -> str:
    """How far a robust accuracy under this attack may be trusted."""
    return CLAIMS[attack]


def audit(run_id: str) -> str:
    """Whether the robust accuracy of a run was audited, and what came of it."""
    return f"audit: {api.audit_state(run_id)}"


def percent(share: float | None) -> str:
    """A share in [0, 1] in percent with one decimal."""
    return "–" if share is None else f"{100 * share:.1f} %"


def spread(mean: float | None, std: float | None) -> str:
    """A mean share with its standard deviation over several networks, in percent with one decimal."""
    return percent(mean) if mean is None or std is None else f"{100 * mean:.1f} ± {100 * std:.1f} %"


def between(interval: Sequence[float] | None) -> str:
    """A 95 % interval of a share."""
    return "" if not interval else f"95 %: {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def duration(seconds: float | None) -> str:
    """A time span as a person says it."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def ago(moment: float, now: float | None = None) -> str:
    """How long ago a time since the epoch was."""
    passed = (time.time() if now is None else now) - moment
    return (
        "just now" if passed < 5 else f"{duration(passed)} ago" if passed < 86400 else f"{passed / 86400:.0f} days ago"
    )


def budget(eps: float, rgb: bool) -> str:
    """An attack budget as the field writes it: n/255 for 8-bit colour images."""
    return f"{round(eps * 255, 2):g}/255" if rgb else f"{eps:.4g}"


def pace(events: Sequence[EventRow]) -> tuple[float, float | None]:
    """Units per second and seconds left of the stage that runs, from its own events.

    returns  (0.0, None) until two events of the stage tell
    """
    last = events[-1] if events else None
    stage = [e for e in events if (e.stage, e.unit) == (last.stage, last.unit)][-60:] if last else []
    if len(stage) < 2 or stage[-1].time <= stage[0].time or stage[-1].done <= stage[0].done:
        return 0.0, None
    rate = (stage[-1].done - stage[0].done) / (stage[-1].time - stage[0].time)
    return rate, (stage[-1].total - stage[-1].done) / rate if stage[-1].total else None


def progress(events: Sequence[EventRow]) -> str:
    """Stage, count, rate and time left in one line."""
    if not events:
        return "waiting for a worker: other runs may be first"
    last = events[-1]
    parts = [STAGES.get(last.stage, last.stage)]
    if last.total:
        parts.append(f"{last.done:,} of {last.total:,} {last.unit}")
    rate, left = pace(events)
    if rate:
        parts.append(f"{rate:,.3g} {last.unit}/s")
    if left:
        parts.append(f"about {duration(left)} left")
    if last.note:
        parts.append(last.note)
    return " · ".join(parts)


def steps(stage: str, ended: bool) -> str:
    """The stages as one line of markdown, the present one bold."""
    names, now = list(STAGES), list(STAGES).index(stage) if stage in STAGES else -1
    words = []
    for i, name in enumerate(names):
        done = ended or i < now
        words.append(
            f":green[✓ {STAGES[name]}]" if done else f"**{STAGES[name]}**" if i == now else f":gray[{STAGES[name]}]"
        )
    return " &nbsp;›&nbsp; ".join(words)


def announced(events: Sequence[EventRow]) -> str:
    """What a stage that is going on said it would cost, in its first words; "" when it said nothing of the kind."""
    notes = [event.note for event in events if event.stage == events[-1].stage and " expected on " in event.note]
    return notes[0] if notes else ""


def conditions(result: Mapping[str, Any]) -> str:
    """What stands beside a robust accuracy: attack with all its settings, images and seed."""
    parts = [result["attack"]] if result.get("attack") else []
    if result.get("rgb") and result.get("attack_norm") == "Linf":
        parts.append(f"ε = {budget(result['eps'], rgb=True)}")
    if result.get("eval_images"):
        parts.append(f"{result['eval_images']:,} test images")
    if result.get("seed") is not None:
        parts.append(f"seed {result['seed']}")
    return " · ".join(parts)


def look(record: RunRecord) -> str:
    """The attack behind the live curves, which is quicker than the one that judges at the end."""
    judged = record.config["evaluation"]
    steps, rgb = min(judged["attack_steps"], 10), record.result.get("rgb", False) and judged["norm"] == "Linf"
    where = f"{judged['norm']}, ε {budget(judged['eps'], rgb)}"
    return f"PGD-{steps}, {where}, 1 restart, {judged['live_images']} test images, seed {record.config['seed']}"


def curve(record: RunRecord) -> str:
    """The attack behind the eps-curve."""
    result, judged = record.result, record.config["evaluation"]
    restarts = f"{judged['restarts']} restart{'s' if judged['restarts'] != 1 else ''}"
    attack = f"PGD-{judged['attack_steps']}, {judged['norm']}, {restarts}"
    return f"{attack}, {result.get('curve_images', 0)} test images, seed {record.config['seed']}. Not AutoAttack."


def beside(others: Mapping[str, Mapping[str, Any]], key: str) -> str:
    """The same number of the reference runs."""
    known = [f"{name} {percent(result[key])}" for name, result in others.items() if key in result]
    return " · " + ", ".join(known) if known else ""


def summary(record: RunRecord) -> str:
    """Accuracies and age of a run in one line."""
    result = record.result
    parts = [
        f"{name} {percent(result[key])}"
        for name, key in (("clean", "clean_acc"), ("robust", "robust_acc"))
        if key in result
    ]
    return " · ".join([*parts, ago(record.created)])


def size(shape: Sequence[int]) -> str:
    """Channels, height and width of an image."""
    channels, height, width = shape
    return f"{height}×{width} " + {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")


def data(config: Mapping[str, Any]) -> str:
    """The data set of a run by its short name, with its limit."""
    chosen = config.get("data", {})
    limit = f", {chosen['limit']} per class" if chosen.get("limit") else ""
    return PurePath(chosen.get("name", "")).name + limit


def distinct(names: Sequence[str]) -> list[str]:
    """Names made different by a number where they repeat."""
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if names.count(name) == 1 else f"{name} ({seen[name]})")
    return out


def guarantee(result: Mapping[str, Any]) -> str:
    """Norm of a radius with its proven lower bound and gap, or that none was computed."""
    lower, gap = result.get("lower_bound_radius"), result.get("gap")
    parts = [str(result.get("norm", ""))]
    if lower is not None:
        parts.append(f"proven ≥ {lower:.3f}")
    parts.append("gap not computed" if gap is None else "optimal" if gap == 0 else f"gap {gap:.1%}")
    return ", ".join(parts)


def versions(record: RunRecord) -> str:
    """Device and the library versions that matter for repeating numbers."""
    known = [f"{name} {record.versions[name]}" for name in ("python", "torch", "numpy") if name in record.versions]
    return " · ".join([record.device or "no device yet", *known])


def titles(names: Iterable[str]) -> dict[str, str]:
    """Names of rows in any table, or paths, as a reader sees them."""
    tables = (api.DATASETS, api.METHODS, api.NETWORKS, api.TRAINERS)
    rows = {name: row.title for table in tables for name, row in table.items()}
    return {name: rows.get(name, PurePath(name).name) for name in names}


def storage(found: Mapping[str, Any]) -> str:
    """How a data set's pixels are stored and where they are from, with the hash that identifies them."""
    levels = f", {found['levels'] + 1} grey levels" if found["levels"] else ""
    values = f"values {found['minimum']:g} to {found['maximum']:g}{levels}"
    return f"{found['dtype']}, {values} · source: {found['source']} · hash `{found['data_hash']}`"
