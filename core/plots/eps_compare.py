"""Robust accuracy against the attack budget for several runs in one figure, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, legend, percent_axis, quantitative, table
from core.plots.palette import DASHDOT, DASHED, DOTTED, RUNS, SOLID

COLUMNS = ("eps", "value", "low", "high", "run", "attack", "images")
DASHES = (SOLID, DASHED, DOTTED, DASHDOT)
Row = Mapping[str, Any]


def chart(curves: Mapping[str, Sequence[Row]], images: Mapping[str, int], norm: str) -> Chart:
    """One line a run; colour and dash both tell the run.

    curves  rows with eps (pixel units of [0, 1]), value, low, high (shares in [0, 1]) and attack, by run
    images  test images behind each curve
    """
    rows = [
        {
            **{name: row.get(name) for name in ("eps", "value", "low", "high", "attack")},
            "run": run,
            "images": images[run],
        }
        for run, curve in curves.items()
        for row in curve
    ]
    names = list(curves)
    end = max((row["eps"] for row in rows), default=1.0) or 1.0
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("value", "accuracy under PGD", (0, 1), axis=percent_axis())
    colours = {"domain": names, "range": [RUNS[i % len(RUNS)] for i in range(len(names))]}
    dashes = {"domain": names, "range": [DASHES[i % len(DASHES)] for i in range(len(names))]}
    look = {**legend(), "labelLimit": 420, "columns": 2}
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "run"}, {"field": "attack"}, {"field": "value", "title": "accuracy", **share},
        {"field": "low", "title": "95 % from", **share}, {"field": "high", "title": "to", **share},
        {"field": "images", "title": "test images"},
    ]  # fmt: skip
    colour = {"field": "run", "type": "nominal", "scale": colours, "legend": look}
    band = {
        "mark": {"type": "area", "opacity": 0.13},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {
            "x": x, "y": y, "color": colour, "tooltip": tooltip,
            "strokeDash": {"field": "run", "type": "nominal", "scale": dashes, "legend": look},
        },
    }  # fmt: skip
    dots = {
        "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip},
    }
    layers = {"layer": [band, line, dots], "height": 330}
    return Chart(
        data=table(rows, COLUMNS), spec=layers, alt=f"Accuracy under PGD against ε of {len(names)} runs, {norm}"
    )
