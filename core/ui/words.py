"""Numbers and states in words: the same wording on every page."""

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from core import api
from core.errors import ConfigError
from core.types import RunRecord, Status

MARKS = re.compile(
    r"([\\`*\[\]$<~]|(?<!\w)_|_(?!\w)|:(?=\w)|^[#>+-]|(?<=^\d)[.)])"
)  # what Markdown here has a meaning for
Colour = Literal["gray", "blue", "green", "red", "orange"]

CLAIMS = {
    "pgd": "PGD only, not AutoAttack",
    "strong": "PGD and margin PGD, not AutoAttack",
    "autoattack": "AutoAttack, standard",
}
STATUS_COLOURS: Mapping[Status, Colour] = {
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


def origin(record: RunRecord) -> str:
    """Device and age of a run; of an example, that it is one."""
    if api.examples.is_one(record.id):
        return api.examples.mark(record)
    return f"{record.device or api.device()} · {ago(record.created)}"


def named(records: Sequence[RunRecord]) -> dict[str, str]:
    """Titles of runs by their ids, made different where they repeat, examples called so."""
    titles = [("Example: " if api.examples.is_one(record.id) else "") + called(record) for record in records]
    return dict(zip([record.id for record in records], distinct(titles), strict=True))


def percent(share: float | None) -> str:
    """A share in [0, 1] in percent with one decimal."""
    return "–" if share is None else f"{100 * share:.1f} %"


def difference(found: api.study.Difference | None) -> str:
    """A difference of accuracies in percentage points, with its 95 % interval."""
    if found is None:
        return "–"
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def pair(found: api.pairs.Pair | str, names: Sequence[str]) -> str:
    """Two runs image by image, or why they cannot be compared so."""
    if isinstance(found, str):
        return found
    tests = {"without an attack": found.clean} | ({f"under {found.attack}": found.robust} if found.robust else {})
    parts = [
        f"{told}, only {names[0]} is right on {one.only_one:,}, only {names[1]} on {one.only_other:,} "
        f"(McNemar, exact: p = {one.p:.2g})"
        for told, one in tests.items()
    ]
    apart = "" if found.robust else " Their attacks differ, so nothing is said under attack."
    return f"on the {found.images:,} test images that both judged, first networks: {'; '.join(parts)}.{apart}"


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


def attack_budget(norm: str, eps: float, rgb: bool, names: Sequence[str] = ("norm", "eps")) -> str:
    """Norm and budget of an attack, or of these two the part that settings of these names read."""
    parts = [norm] if any(name.endswith("norm") for name in names) else []
    parts += [f"ε {budget(eps, rgb and norm == 'Linf')}"] if any(name.endswith("eps") for name in names) else []
    return ", ".join(parts)


def place(at: api.study.Place, rgb: bool) -> str:
    """A cell of a study, whatever its seed."""
    return f"{at.method}, {at.ipc} per class, {at.training} training, ε {budget(at.eps, rgb)}"


def tested(method: str, training: str) -> str:
    """Which claim a run tests on images that a paper says something of by themselves; "" when none does."""
    claim = api.METHODS[method].alone if method in api.METHODS else ""
    if not claim:
        return ""
    if training == "standard":
        return f"Tests the claim of the paper: {claim}, without an attack in training."
    return f"Not the claim of the paper ({claim}, by standard training): here training attacks, too."


def conditions(found: api.results.Judged) -> str:
    """What stands beside a robust accuracy: attack with all its settings, images and seed."""
    parts = [found.attack] if found.attack else []
    if found.rgb and found.attack_norm == "Linf" and found.eps is not None:
        parts.append(f"ε = {budget(found.eps, rgb=True)}")
    if found.eval_images:
        parts.append(f"{found.eval_images:,} test images")
    if found.seed is not None:
        parts.append(f"seed {found.seed}")
    return " · ".join(parts)


def look(record: RunRecord) -> str:
    """The attack behind the live curves, which is quicker than the one that judges at the end."""
    judged = record.config["evaluation"]
    steps, rgb = min(judged["attack_steps"], 10), api.results.RunResult.of(record).rgb and judged["norm"] == "Linf"
    where = f"{judged['norm']}, ε {budget(judged['eps'], rgb)}"
    return f"PGD-{steps}, {where}, 1 restart, {judged['live_images']} test images, seed {record.config['seed']}"


def curve(record: RunRecord) -> str:
    """The attack behind the eps-curve."""
    result, judged = api.results.RunResult.of(record), record.config["evaluation"]
    restarts = f"{judged['restarts']} restart{'s' if judged['restarts'] != 1 else ''}"
    attack = f"PGD-{judged['attack_steps']}, {judged['norm']}, {restarts}"
    return f"{attack}, {result.curve_images} test images, seed {record.config['seed']}. Not AutoAttack."


def differ(record: RunRecord) -> str:
    """Why the curve and the looks between epochs may say another number than the headline."""
    judged = record.config["evaluation"]
    images, curve, live = judged["images"], judged["curve_images"], judged["live_images"]
    return (
        f"The headline is the number to quote, of up to {images:,} images; the curve is of {curve:,} of them and the "
        f"curve while training of {live:,} under a shorter attack, so they may differ by chance and strength."
    )


def at_budget(pair: tuple[Mapping[str, Any], Mapping[str, Any]] | None, eps: str, images: int) -> str:
    """What an eps-curve says at a budget: its number with the interval, or the two measured ones around it.

    pair  as from `eps_curve.around`
    """
    if pair is None:
        return f"At ε {eps} nothing was measured: the curve ends before it."
    first, last = pair
    if first["eps"] == last["eps"]:
        interval = between((first["low"], first["high"]))
        return f"At ε {eps}: **{percent(first['value'])}** ({interval}), {images:,} test images."
    return (
        f"At ε {eps}: between **{percent(last['value'])}**, measured at {last['eps']:.4g}, and "
        f"**{percent(first['value'])}**, measured at {first['eps']:.4g}; {images:,} test images each."
    )


def beside(others: Mapping[str, api.results.RunResult], name: str) -> str:
    """The same number of the reference runs."""
    numbers = {other: getattr(found, name) for other, found in others.items()}
    known = [f"{other} {percent(number)}" for other, number in numbers.items() if number is not None]
    return " · " + ", ".join(known) if known else ""


def summary(record: RunRecord) -> str:
    """Accuracies and age of a run in one line."""
    found = api.results.RunResult.of(record)
    numbers = {"clean": found.clean_acc, "robust": found.robust_acc}
    parts = [f"{name} {percent(number)}" for name, number in numbers.items() if number is not None]
    return " · ".join([*parts, ago(record.created)])


def size(shape: Sequence[int]) -> str:
    """Channels, height and width of an image."""
    channels, height, width = shape
    if channels * height * width == 2:
        return "2 numbers"
    return f"{height}×{width} " + {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")


def plain(text: object, most: int = 600) -> str:
    """Somebody's text, for a place that reads Markdown: it shows as it is, in one line, cut where it is too long.

    A name, a path or an error holds what users wrote: read as Markdown, an image in it would call another server.
    """
    line = " ".join(str(text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    return MARKS.sub(r"\\\1", line)


def called(record: RunRecord) -> str:
    """The name of a run; of one that never had one, what its settings would be called."""
    config = record.config.get("settings", record.config)
    if record.name or not {"data", "method"} <= set(config):
        return record.name or f"{record.kind.capitalize()} {record.id}"
    try:
        made = api.default_name(api.RunConfig(**config))
    except ConfigError:  # its method is not here any more
        return f"{record.kind.capitalize()} {record.id}"
    return made if record.kind == "run" else f"{record.kind.capitalize()} of {made}"


def title(record: RunRecord) -> str:
    """The name of a run, for a place that reads Markdown."""
    return plain(called(record), 120)


def setting(value: Any) -> str:
    """The value of a setting; of a path its last part, and a dash where a run has no such setting."""
    if value is None:
        return "–"
    return PurePath(value).name if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


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


def guarantee(found: api.results.Condensed) -> str:
    """Norm of a radius with its proven lower bound and gap, or that none was computed."""
    lower, gap = found.lower_bound_radius, found.gap
    parts = [found.norm or ""]
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


def storage(found: api.results.DataResult) -> str:
    """How a data set's pixels are stored and where they are from, with the hash that identifies them."""
    levels = f", {found.levels + 1} grey levels" if found.levels else ""
    values = f"values {found.minimum:g} to {found.maximum:g}{levels}"
    return f"{found.dtype}, {values} · source: {plain(found.source, 200)} · hash `{found.data_hash}`"


def values(told: Mapping[str, Any]) -> str:
    """Which values a source holds, and which of them are black and white."""
    low, high = told["found"]
    found, ends = f"values {low:g} to {high:g}", told["read_as"]
    if not ends:
        return f"{found}, black and white not known"
    pairs = ends if isinstance(ends[0], list | tuple) else [ends]
    black, white = (", ".join(f"{pair[end]:g}" for pair in pairs) for end in (0, 1))
    return f"{found}, black is {black} and white {white}"
