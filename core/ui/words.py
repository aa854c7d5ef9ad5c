"""Numbers and states in words: the same wording on every page."""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

from core import api
from core.types import Status

MARKS = re.compile(
    r"([\\`*\[\]$<~]|(?<!\w)_|_(?!\w)|:(?=\w)|^[#>+-]|(?<=^\d)[.)])"
)  # what Markdown here has a meaning for
Colour = Literal["gray", "blue", "green", "red", "orange"]

CLAIMS = {
    "pgd": "PGD only, not AutoAttack",
    "strong": "PGD and margin PGD, not AutoAttack",
    "autoattack": "AutoAttack, standard",
}
HEADLINES = {"autoattack": "AutoAttack", "strong": "PGD + margin-PGD"}
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
    how = f"{api.naming.training(at.training)}, ε {budget(at.eps, rgb)}"
    return f"{api.naming.method(at.method)}, {at.ipc} per class, {how}"


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


def setting(value: Any) -> str:
    """The value of a setting; of a path its last part, and a dash where a run has no such setting."""
    if value is None:
        return "–"
    return PurePath(value).name if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def guarantee(found: api.results.Condensed) -> str:
    """Norm of a radius with its proven lower bound and gap, or that none was computed."""
    lower, gap = found.lower_bound_radius, found.gap
    parts = [found.norm or ""]
    if lower is not None:
        parts.append(f"proven ≥ {lower:.3f}")
    parts.append("gap not computed" if gap is None else "optimal" if gap == 0 else f"gap {gap:.1%}")
    return ", ".join(parts)


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
