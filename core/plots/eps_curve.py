"""Robust accuracy against the attack budget eps, measured once after training, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, legend, percent_axis, quantitative, table
from core.plots.palette import DASHES, GREY, ROBUST

COLUMNS = ("eps", "value", "low", "high", "run")
Row = Mapping[str, Any]


def chart(curve: Sequence[Row], references: Mapping[str, Sequence[Row]], norm: str, eps: float | None) -> Chart:
    """Accuracy against eps of one run, references dashed.

    curve  rows with eps, value, low, high: eps in pixel units of [0, 1], the others shares in [0, 1]
    eps    budget that the run was trained and judged at, marked by a rule, or None
    """
    rows = [{**_pick(row), "run": "this run"} for row in curve]
    for name, other in references.items():
        rows += [{**_pick(row), "run": name} for row in other]
    end = max((row["eps"] for row in rows), default=1.0) or 1.0
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("value", "accuracy under PGD", (0, 1), axis=percent_axis())
    dash = {
        "field": "run",
        "type": "nominal",
        "scale": {"domain": list(DASHES), "range": list(DASHES.values())},
        "legend": legend(),
    }
    band = {
        "mark": {"type": "area", "opacity": 0.16, "color": ROBUST},
        "transform": [{"filter": "datum.run == 'this run'"}],
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
    }
    line = {
        "mark": {"type": "line", "color": ROBUST, "strokeWidth": 2.2},
        "encoding": {"x": x, "y": y, "strokeDash": dash, "tooltip": _tooltip()},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 26, "opacity": 1, "color": ROBUST},
        "transform": band["transform"],
        "encoding": {"x": x, "y": y},
    }
    layers = [band, line, dots] + ([_rule(eps)] if eps is not None else [])
    alt = f"Accuracy under PGD at {len(curve)} budgets, {norm}"
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 260}, alt=alt)


def _pick(row: Row) -> dict[str, float]:
    return {name: row[name] for name in ("eps", "value", "low", "high")}


def _rule(eps: float) -> dict[str, Any]:
    """A vertical line at the headline eps, with its own one-row table."""
    return {
        "data": {"values": [{"eps": eps}]},
        "mark": {"type": "rule", "color": GREY, "strokeDash": [3, 3]},
        "encoding": {"x": {"field": "eps", "type": "quantitative"}},
    }


def _tooltip() -> list[dict[str, Any]]:
    share = {"type": "quantitative", "format": ".1%"}
    return [
        {"field": "run"},
        {"field": "eps", "type": "quantitative", "format": ".4f", "title": "ε"},
        {"field": "value", "title": "accuracy", **share},
        {"field": "low", "title": "95 % from", **share},
        {"field": "high", "title": "to", **share},
    ]
