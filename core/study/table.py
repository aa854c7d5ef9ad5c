"""A study as a table: mean and standard deviation over seeds, what is retained of the full data, and the cost.

Where several networks were trained on each condensed set, a seed's number is their mean.

Retained is the accuracy with the condensed set divided by the accuracy with the full train split, same training,
network and attack. A standard deviation is over seeds (n - 1 in the denominator) and is None for a single seed; it says
how much seeds differ, not how far the mean is from the truth: test images are the same for all seeds' judgements only
as far as the seed that draws them is. How far means may be off is in the intervals, see `core.study.intervals`.

Gain is the accuracy minus that of random selection at the same budget, training, network and attack, distance that of
the full data minus the accuracy: the two differences of DD-Ranking (arXiv:2505.13300), with robust accuracy as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from core.jobs.result_rows import NetworkRow
from core.jobs.results import RunResult
from core.settings.study import REFERENCE, Cell, Study, plan
from core.study.intervals import Difference, Interval, difference, of_mean
from core.types import RunRecord

ACCURACIES = ("clean", "pgd", "attacked")
RANDOM = "random"  # the bar for every method
Key = tuple[float, str, str, int | None]  # eps, training, method, images per class


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line: a method at a budget, trained one way, under one attack radius.

    budget    condensed images, mean over seeds
    clean, pgd, attacked  mean accuracy in [0, 1]; `attacked` is under the headline attack
    networks  trained on each condensed set
    *_std     standard deviation over seeds, None for one seed
    *_interval  95 % interval of the mean
    *_images  judged images, all seeds together
    *_gain    over random selection, None for itself and the reference; *_distance to the full data
    *_retained  share of the reference's mean, None without a reference
    condense_s, train_s  wall seconds, means over seeds, all networks together; shared work counts for every row that
              needs it
    memory_mb   largest resident memory of any of the runs
    """

    method: str
    ipc: int | None
    training: str
    eps: float
    seeds: int
    networks: int
    budget: float
    clean: float
    pgd: float
    attacked: float
    clean_std: float | None
    pgd_std: float | None
    attacked_std: float | None
    clean_interval: Interval
    attacked_interval: Interval
    clean_images: int
    attacked_images: int
    clean_gain: Difference | None
    attacked_gain: Difference | None
    clean_distance: Difference | None
    attacked_distance: Difference | None
    clean_retained: float | None
    attacked_retained: float | None
    condense_s: float
    train_s: float
    memory_mb: float
    runs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Line:
    """The runs of one line of the table, and of each accuracy one number a seed."""

    records: tuple[RunRecord, ...]
    found: tuple[RunResult, ...]
    each: tuple[dict[str, float], ...]
    images: dict[str, int]

    def mean(self, name: str) -> float:
        return fmean(values[name] for values in self.each)

    def interval(self, name: str) -> Interval:
        return of_mean([values[name] for values in self.each], self.images[name])

    def minus(self, other: "_Line", name: str) -> Difference:
        return difference(self.mean(name), self.interval(name), other.mean(name), other.interval(name))


def table(study: Study, found: Callable[[Cell], RunRecord | None]) -> list[Row]:
    """The rows of which at least one seed is done, by attack radius, the reference first."""
    records: dict[Key, list[RunRecord]] = {}
    for cell in sorted(plan(study), key=lambda cell: (cell.eps, cell.method != REFERENCE)):
        record = found(cell)
        if record is not None:
            records.setdefault((cell.eps, cell.training, cell.method, cell.ipc), []).append(record)
    lines = {key: _line(study, done) for key, done in records.items()}
    return [_row(key, lines) for key in lines]


def _line(study: Study, records: list[RunRecord]) -> _Line:
    found = tuple(RunResult.of(record) for record in records)
    return _Line(
        records=tuple(records), found=found, each=tuple(accuracies(one) for one in found),
        images={
            "clean": sum(one.curve_images or study.images for one in found),
            "attacked": sum(one.eval_images or study.attack_images for one in found),
        },
    )  # fmt: skip


def accuracies(found: RunResult) -> dict[str, float]:
    """What one run says, the mean over its networks: the two ends of a network's curve are clean accuracy and PGD, its
    headline the strong attack.
    """
    networks: Sequence[NetworkRow | RunResult] = found.networks if len(found.networks) > 1 else (found,)
    return {
        "clean": fmean(one.curve[0].value for one in networks),
        "pgd": fmean(one.curve[-1].value for one in networks),
        "attacked": fmean(_known(one.robust_acc) for one in networks),
    }


def _known(value: float | None) -> float:
    """A number that every finished run has."""
    assert value is not None
    return value


def _row(key: Key, lines: dict[Key, _Line]) -> Row:
    eps, training, method, ipc = key
    line, whole, bar = lines[key], lines.get((eps, training, REFERENCE, None)), lines.get((eps, training, RANDOM, ipc))
    values: dict[str, Any] = {name: line.mean(name) for name in ACCURACIES}
    for name in ACCURACIES:
        values[f"{name}_std"] = stdev(one[name] for one in line.each) if len(line.each) > 1 else None
    for name in ("clean", "attacked"):
        values[f"{name}_interval"], values[f"{name}_images"] = line.interval(name), line.images[name]
        values[f"{name}_retained"] = values[name] / whole.mean(name) if whole and whole.mean(name) else None
        values[f"{name}_gain"] = line.minus(bar, name) if bar and method not in (RANDOM, REFERENCE) else None
        values[f"{name}_distance"] = whole.minus(line, name) if whole and method != REFERENCE else None
    return Row(
        method=method, ipc=ipc, training=training, eps=eps, seeds=len(line.records), **values,
        networks=max(max(1, len(found.networks)) for found in line.found),
        budget=fmean(_known(found.budget) for found in line.found),
        condense_s=fmean(record.seconds.get("condense", 0.0) for record in line.records),
        train_s=fmean(record.seconds.get("train", 0.0) for record in line.records),
        memory_mb=max(record.peak_rss_mb for record in line.records),
        runs=tuple(record.id for record in line.records),
    )  # fmt: skip


def markdown(rows: Iterable[Row], headline: str) -> str:
    """The table as Markdown, percent with the standard deviation over seeds; 3 × 5 is three seeds of five networks."""
    lines = [
        f"| method | images/class | training | ε | seeds | clean % | PGD % | {headline} % | retained clean / robust | "
        "condense s | train s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        size = "all" if row.ipc is None else f"{row.ipc}"
        kept = " / ".join(
            "–" if part is None else f"{part:.2f}" for part in (row.clean_retained, row.attacked_retained)
        )
        numbers = [_percent(getattr(row, name), getattr(row, f"{name}_std")) for name in ACCURACIES]
        cost = [f"{row.condense_s:.0f}", f"{row.train_s:.0f}"]
        seeds = f"{row.seeds}" if row.networks == 1 else f"{row.seeds} × {row.networks}"
        cells = [row.method, size, row.training, f"{row.eps:g}", seeds, *numbers, kept, *cost]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(mean: float, spread: float | None) -> str:
    return f"{100 * mean:.1f}" + ("" if spread is None else f" ± {100 * spread:.1f}")
