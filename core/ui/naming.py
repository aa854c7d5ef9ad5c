"""Runs in words: what they are called, where they come from, how they were looked at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from core import api
from core.errors import ConfigError
from core.types import RunRecord
from core.ui import words


def audit(run_id: str) -> str:
    """Whether the robust accuracy of a run was audited, and what came of it."""
    return f"audit: {api.audit_state(run_id)}"


def origin(record: RunRecord) -> str:
    """Device and age of a run; of an example, that it is one."""
    if api.examples.is_one(record.id):
        return api.examples.mark(record)
    return f"{record.device or api.device()} · {words.ago(record.created)}"


def named(records: Sequence[RunRecord]) -> dict[str, str]:
    """Titles of runs by their ids, made different where they repeat, examples called so."""
    titles = [("Example: " if api.examples.is_one(record.id) else "") + called(record) for record in records]
    return dict(zip([record.id for record in records], distinct(titles), strict=True))


def tested(method: str, training: str) -> str:
    """Which claim a run tests on images that a paper says something of by themselves; "" when none does."""
    claim = api.METHODS[method].alone if method in api.METHODS else ""
    if not claim:
        return ""
    if training == "standard":
        return f"Tests the claim of the paper: {claim}, without an attack in training."
    return f"Not the claim of the paper ({claim}, by standard training): here training attacks, too."


def look(record: RunRecord) -> str:
    """The attack behind the live curves, which is quicker than the one that judges at the end."""
    judged = record.settings["evaluation"]
    steps, rgb = min(judged["attack_steps"], 10), api.results.RunResult.of(record).rgb and judged["norm"] == "Linf"
    where = f"{judged['norm']}, ε {words.budget(judged['eps'], rgb)}"
    return f"PGD-{steps}, {where}, 1 restart, {judged['live_images']} test images, seed {record.settings['seed']}"


def curve(record: RunRecord) -> str:
    """The attack behind the eps-curve."""
    result, judged = api.results.RunResult.of(record), record.settings["evaluation"]
    restarts = f"{judged['restarts']} restart{'s' if judged['restarts'] != 1 else ''}"
    attack = f"PGD-{judged['attack_steps']}, {judged['norm']}, {restarts}"
    return f"{attack}, {result.curve_images} test images, seed {record.settings['seed']}. Not AutoAttack."


def differ(record: RunRecord) -> str:
    """Why the curve and the looks between epochs may say another number than the headline."""
    judged = record.settings["evaluation"]
    images, curve, live = judged["images"], judged["curve_images"], judged["live_images"]
    return (
        f"The headline is the number to quote, of up to {images:,} images; the curve is of {curve:,} of them and the "
        f"curve while training of {live:,} under a shorter attack, so they may differ by chance and strength."
    )


def summary(record: RunRecord) -> str:
    """Accuracies and age of a run in one line."""
    found = api.results.RunResult.of(record)
    numbers = {"clean": found.clean_acc, "robust": found.robust_acc}
    parts = [f"{name} {words.percent(number)}" for name, number in numbers.items() if number is not None]
    return " · ".join([*parts, words.ago(record.created)])


def called(record: RunRecord) -> str:
    """The name of a run; of one that never had one, what its settings would be called."""
    config = record.settings
    if record.name or not {"data", "method"} <= set(config):
        return record.name or f"{record.kind.capitalize()} {record.id}"
    try:
        made = api.default_name(api.RunConfig(**config))
    except ConfigError:  # its method is not here any more
        return f"{record.kind.capitalize()} {record.id}"
    return made if record.kind == "run" else f"{record.kind.capitalize()} of {made}"


def title(record: RunRecord) -> str:
    """The name of a run, for a place that reads Markdown."""
    return words.plain(called(record), 120)


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


def versions(record: RunRecord) -> str:
    """Device and the library versions that matter for repeating numbers."""
    known = [f"{name} {record.versions[name]}" for name in ("python", "torch", "numpy") if name in record.versions]
    return " · ".join([record.device or "no device yet", *known])


def titles(names: Iterable[str]) -> dict[str, str]:
    """Names of rows in any table, or paths, as a reader sees them."""
    tables = (api.DATASETS, api.METHODS, api.NETWORKS, api.TRAINERS)
    rows = {name: row.title for table in tables for name, row in table.items()}
    return {name: rows.get(name, PurePath(name).name) for name in names}
