"""Accuracy against epoch while a network trains, with 95 % intervals and reference runs.

Colour tells the method, the dash the training; thick is robust, thin clean. Intervals are Wilson's, as in
core.types.report, and drawn for the run in view only: three overlapping bands would hide each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.plots.chart import Chart, called, legend, percent_axis, quantitative, shapes, table
from core.plots.palette import OWN, Look, beside, training_dash
from core.types import EventRow, wilson

MEASURES = {"clean_acc": "clean", "robust_acc": "robust"}
WIDTHS = {"clean": 1.0, "robust": 2.6}  # of lines
COLUMNS = ("epoch", "value", "low", "high", "measure", "run", "images")


@dataclass(frozen=True)
class Point:
    """One evaluation between epochs: shares in [0, 1] of `images` test images."""

    epoch: int
    clean_acc: float
    robust_acc: float | None
    images: int


def points(events: Sequence[EventRow]) -> list[Point]:
    """The evaluations among a run's events, in order; a repeated epoch after a resume keeps the later one."""
    found = {}
    for event in events:
        values = event.values
        if event.stage == "train" and "clean_acc" in values:
            epoch = int(values.get("epoch", event.done))
            robust = values.get("robust_acc")
            found[epoch] = Point(epoch, values["clean_acc"], robust, int(values.get("eval_images", 0)))
    return [found[epoch] for epoch in sorted(found)]


def interval(value: float, images: int) -> tuple[float, float]:
    """95 % interval of a share measured on `images` images; the share itself when their number is unknown."""
    if images < 1:
        return value, value
    return wilson(round(value * images), images)


def live(
    own: Sequence[Point], references: Mapping[str, Sequence[Point]], epochs: int, method: str = "", training: str = "",
    titles: Mapping[str, str] | None = None,
) -> Chart:  # fmt: skip
    """Clean and robust accuracy of one run against epoch.

    references  further curves by name, "random", "k-means" or "full", trained alike
    epochs      right end of the axis, so that it stands still
    method, training  of all these runs: their look
    titles      what the legend calls them
    """
    rows = _rows(OWN, own)
    for name, curve in references.items():
        rows += _rows(name, curve)
    colours = beside(method)
    x = quantitative("epoch", "epoch", (0, max(epochs, 1)), axis={"tickMinStep": 1, "grid": False})
    y = quantitative("value", "accuracy", (0, 1), axis=percent_axis())
    colour = _nominal("run", list(colours), "range", list(colours.values()), columns=2)  # both fit a small screen
    colour["legend"] |= called(titles or {})
    lines = _by_width(_line(x, y, colour, {"value": training_dash(training)}))
    layers = [*_bands(x, y, colours[OWN]), *lines, *_dots(x, y, colours[OWN])]
    alt = "Clean and robust accuracy on test images against epoch"  # constant: it is part of the specification
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 320}, alt=alt)


def compare(runs: Mapping[str, Sequence[Point]], epochs: int, looks: Mapping[str, Look]) -> Chart:
    """Curves of several runs: colour and dash as `looks` says of each, thick is robust, thin clean."""
    rows = [row for name, curve in runs.items() for row in _rows(name, curve)]
    names = list(runs)
    x = quantitative("epoch", "epoch", (0, max(epochs, 1)), axis={"tickMinStep": 1, "grid": False})
    y = quantitative("value", "accuracy", (0, 1), axis=percent_axis())
    colour = _nominal("run", names, "range", [looks[name].colour for name in names])
    dash = _nominal("run", names, "range", [looks[name].dash for name in names])
    look = {**legend(), "labelLimit": 420, "columns": 2}
    layers = _by_width(_line(x, y, {**colour, "legend": look}, {**dash, "legend": look}))
    marks = shapes("run", {name: looks[name].shape for name in names})
    point = {"x": x, "y": y, "color": {**colour, "legend": look}, "shape": marks}
    layers.append({"mark": {"type": "point", "filled": True, "size": 40, "opacity": 1}, "encoding": point})
    alt = f"Accuracy against epoch of {len(names)} runs"
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 320}, alt=alt)


def _by_width(line: dict[str, Any]) -> list[dict[str, Any]]:
    """A layer of lines for each measure, thin or thick; the first can be zoomed, which zooms all."""
    zoom = line.pop("params")
    layers = [
        {
            **line,
            "mark": {**line["mark"], "strokeWidth": width},
            "transform": [{"filter": f"datum.measure == '{name}'"}],
        }
        for name, width in WIDTHS.items()
    ]
    layers[0]["params"] = zoom
    return layers


def _rows(run: str, curve: Sequence[Point]) -> list[dict[str, Any]]:
    rows = []
    for point in curve:
        for field, measure in MEASURES.items():
            if (value := getattr(point, field)) is not None:
                low, high = interval(value, point.images)
                share = {"value": value, "low": low, "high": high, "images": point.images}
                rows.append({"epoch": point.epoch, "measure": measure, "run": run, **share})
    return rows


def _bands(x: dict, y: dict, colour: str) -> list[dict[str, Any]]:
    """One layer per measure with a fixed colour: a colour channel here would wash out the legend."""
    ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    area = {"type": "area", "opacity": 0.16, "clip": True, "color": colour}
    return [{"mark": area, "transform": _only(measure), "encoding": ends} for measure in WIDTHS]


def _dots(x: dict, y: dict, colour: str) -> list[dict[str, Any]]:
    """Dots on the curves of the run in view, so that a first evaluation is seen before there is a line."""
    dot = {"type": "point", "filled": True, "size": 26, "opacity": 1, "clip": True, "color": colour}
    return [{"mark": dot, "transform": _only(measure), "encoding": {"x": x, "y": y}} for measure in WIDTHS]


def _only(measure: str) -> list[dict[str, str]]:
    return [{"filter": f"datum.run == '{OWN}' && datum.measure == '{measure}'"}]


def _nominal(field: str, domain: list[str], key: str, values: list[Any], columns: int = 3) -> dict[str, Any]:
    look = {**legend(), "columns": columns}
    return {"field": field, "type": "nominal", "scale": {"domain": domain, key: values}, "legend": look}


def _line(x: dict, y: dict, colour: dict, dash: dict) -> dict[str, Any]:
    tooltip = [
        {"field": "run"},
        {"field": "measure"},
        {"field": "epoch"},
        {"field": "value", "type": "quantitative", "format": ".1%", "title": "accuracy"},
        {"field": "low", "type": "quantitative", "format": ".1%", "title": "95 % from"},
        {"field": "high", "type": "quantitative", "format": ".1%", "title": "to"},
        {"field": "images", "title": "test images"},
    ]
    return {
        "mark": {"type": "line", "strokeWidth": 2.2, "clip": True},
        "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash, "tooltip": tooltip},
        "params": [{"name": "zoom", "select": "interval", "bind": "scales"}],
    }
