"""A study as a table: mean and standard deviation over seeds, what is retained of the full data, and the cost.

Where several networks were trained on each condensed set, a seed's number is their mean.

Retained is the accuracy with the condensed set divided by the accuracy with the full train split, same training,
network and attack. A standard deviation is over seeds (n - 1 in the denominator) and is None for a single seed; it says
how much seeds differ, not how far the mean is from the truth: test images are the same for all seeds' judgements only
as far as the seed that draws them is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from core.runs.study import REFERENCE, Cell, Study, plan
from core.types import RunRecord

ACCURACIES = ("clean", "pgd", "attacked")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line: a method at a budget, trained one way, under one attack radius.

    budget    condensed images, mean over seeds
    clean, pgd, attacked  mean accuracy in [0, 1]; `attacked` is under the headline attack
    networks  trained on each condensed set
    *_std     standard deviation over seeds, None for one seed
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
    clean_retained: float | None
    attacked_retained: float | None
    condense_s: float
    train_s: float
    memory_mb: float
    runs: tuple[str, ...]


def table(study: Study, found: Callable[[Cell], RunRecord | None]) -> list[Row]:
    """The rows of which at least one seed is done, by attack radius, the reference first."""
    lines: dict[tuple[Any, ...], list[RunRecord]] = {}
    for cell in sorted(plan(study), key=lambda cell: (cell.eps, cell.method != REFERENCE)):
        record = found(cell)
        if record is not None:
            lines.setdefault((cell.eps, cell.training, cell.method, cell.ipc), []).append(record)
    means = {key: _means(records) for key, records in lines.items()}
    return [_row(key, lines[key], means[key], means.get((*key[:2], REFERENCE, None))) for key in lines]


def accuracies(result: Mapping[str, Any]) -> dict[str, float]:
    """What one run says, the mean over its networks: the two ends of a network's curve are clean accuracy and PGD, its
    headline the strong attack.
    """
    networks = result["networks"] if len(result.get("networks", ())) > 1 else [result]
    return {
        "clean": fmean(one["curve"][0]["value"] for one in networks),
        "pgd": fmean(one["curve"][-1]["value"] for one in networks),
        "attacked": fmean(one["robust_acc"] for one in networks),
    }


def _means(records: Iterable[RunRecord]) -> dict[str, float]:
    found = [accuracies(record.result) for record in records]
    return {name: fmean(values[name] for values in found) for name in ACCURACIES}


def _row(
    key: tuple[Any, ...], records: list[RunRecord], means: dict[str, float], reference: dict[str, float] | None
) -> Row:
    eps, training, method, ipc = key
    each = [accuracies(record.result) for record in records]
    spread = {f"{name}_std": stdev(v[name] for v in each) if len(each) > 1 else None for name in ACCURACIES}
    kept = {
        f"{name}_retained": means[name] / reference[name] if reference and reference[name] else None
        for name in ("clean", "attacked")
    }
    return Row(
        method=method, ipc=ipc, training=training, eps=eps, seeds=len(records), **means, **spread, **kept,
        networks=max(len(record.result.get("networks", (None,))) for record in records),
        budget=fmean(record.result["budget"] for record in records),
        condense_s=fmean(record.seconds.get("condense", 0.0) for record in records),
        train_s=fmean(record.seconds.get("train", 0.0) for record in records),
        memory_mb=max(record.peak_rss_mb for record in records),
        runs=tuple(record.id for record in records),
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
