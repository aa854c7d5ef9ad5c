"""Robust accuracy against the attack budget for several runs in one figure, with 95 % intervals.

What interval bounds prove of one run is drawn as a band from there up to what attacks leave: the truth lies within.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from core.plots.chart import Chart, legend, percent_axis, quantitative, shapes, table
from core.plots.palette import DASHDOT, DASHED, DOTTED, MARKS, RUNS, SOLID, Look

COLUMNS = ("eps", "value", "low", "high", "run", "attack", "images", "proven", "upper")
DASHES = (SOLID, DASHED, DOTTED, DASHDOT)
Row = Mapping[str, Any]


def chart(
    curves: Mapping[str, Sequence[Row]],
    images: Mapping[str, int],
    norm: str,
    proven: Mapping[str, Sequence[Row]] | None = None,
    looks: Mapping[str, Look] | None = None,
) -> Chart:
    """One line a run; colour, dash and mark together tell the run.

    curves  rows with eps (pixel units of [0, 1]), value, low, high (shares in [0, 1]) and attack, by run
    images  test images behind each curve
    looks   how each run is drawn; otherwise each has a colour and a dash of its own
    proven  rows with eps and value, the share of the same images that no attack can break, by run; at finer eps
    """
    rows, names = _rows(curves, images), list(curves)
    end = max((row["eps"] for row in rows), default=1.0) or 1.0
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("value", "accuracy under PGD", (0, 1), axis=percent_axis())
    known = looks or {name: _own(number) for number, name in enumerate(names)}
    colour = _channel(names, [known[name].colour for name in names])
    layers = _lines(x, y, colour, {name: known[name] for name in names})
    words = f"Accuracy under PGD against ε of {len(names)} runs, {norm}"
    if proven:
        layers = [*_between(x, y, colour), *map(_measured, layers)]
        rows += [point for run, found in proven.items() for point in steps(run, found, curves[run])]
        words += "; a band down to what interval bounds prove"
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 330}, alt=words)


def _rows(curves: Mapping[str, Sequence[Row]], images: Mapping[str, int]) -> list[dict[str, Any]]:
    parts = ("eps", "value", "low", "high", "attack")
    return [
        {**{part: row.get(part) for part in parts}, "run": run, "images": images[run]}
        for run, curve in curves.items()
        for row in curve
    ]


def _channel(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Colours or dashes by run, in one legend."""
    look = {**legend(), "labelLimit": 420, "columns": 2}
    return {"field": "run", "type": "nominal", "scale": {"domain": [*names], "range": [*values]}, "legend": look}


def _lines(x: Row, y: Row, colour: Row, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """Intervals as bands, measured points as dots, and the lines through them."""
    dash = _channel([*looks], [look.dash for look in looks.values()])
    marks = shapes("run", {name: look.shape for name, look in looks.items()})
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    seen = {"x": x, "y": y, "color": colour, "tooltip": _tooltip()}
    dot = {"type": "point", "filled": True, "size": 45, "opacity": 1}
    return [
        {"mark": {"type": "area", "opacity": 0.13}, "encoding": ends},
        {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": {**seen, "strokeDash": dash}},
        {"mark": dot, "encoding": {**seen, "shape": marks}},
    ]


def _tooltip() -> list[dict[str, Any]]:
    share = {"type": "quantitative", "format": ".1%"}
    return [
        {"field": "run"}, {"field": "attack"}, {"field": "value", "title": "accuracy", **share},
        {"field": "low", "title": "95 % from", **share}, {"field": "high", "title": "to", **share},
        {"field": "images", "title": "test images"},
    ]  # fmt: skip


def _measured(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer without the rows that only tell what is proven."""
    return {**layer, "transform": [*layer.get("transform", ()), {"filter": "isValid(datum.value)"}]}


def _own(number: int) -> Look:
    """A look of its own for a run."""
    return Look(colour=RUNS[number % len(RUNS)], dash=DASHES[number % len(DASHES)], shape=MARKS[0])


def steps(run: str, proven: Sequence[Row], curve: Sequence[Row]) -> list[dict[str, Any]]:
    """Points of the band: below, between two radii, what is proven at the larger one, which is true of all smaller.

    upper  on the line through the measured accuracies
    """
    points, known = [], [row["eps"] for row in curve]
    for low, high in pairwise(sorted(proven, key=lambda row: row["eps"])):
        for eps in (low["eps"], high["eps"]):
            if known[0] <= eps <= known[-1]:
                points.append({"eps": eps, "proven": high["value"], "upper": _along(curve, eps), "run": run})
    return points


def _along(curve: Sequence[Row], eps: float) -> float:
    """The accuracy at eps on straight lines between measured ones."""
    left = max((row for row in curve if row["eps"] <= eps), key=lambda row: row["eps"])
    right = min((row for row in curve if row["eps"] >= eps), key=lambda row: row["eps"])
    width = right["eps"] - left["eps"]
    return left["value"] + (right["value"] - left["value"]) * ((eps - left["eps"]) / width if width else 0.0)


def _between(x: Row, y: Row, colour: Row) -> list[dict[str, Any]]:
    """The band between what is proven and what attacks leave, with a thin edge below."""
    known, floor = [{"filter": "isValid(datum.proven)"}], {**y, "field": "proven"}
    area = {"x": x, "y": floor, "y2": {"field": "upper"}, "color": colour}
    return [
        {"mark": {"type": "area", "opacity": 0.1, "tooltip": None}, "transform": known, "encoding": area},
        {
            "mark": {"type": "line", "strokeWidth": 1, "strokeDash": DOTTED, "tooltip": None},
            "transform": known,
            "encoding": {"x": x, "y": floor, "color": colour, "order": {"field": "eps", "type": "quantitative"}},
        },
    ]
