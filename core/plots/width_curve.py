"""Accuracy of networks of growing width under the strong attack, the kernel as last stop, with 95 % intervals.

Every dot is one trained network; the lines go through the means over seeds, bands from the lowest to the highest.
Clean accuracy is drawn beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, marks, percent_axis, quantitative, table
from core.plots.palette import CLEAN, ROBUST

COLUMNS = ("stop", "what", "value", "low", "high", "images", "seed", "title", "chosen")
KERNEL = "kernel"
NAMES = {"clean": "no attack", "strong": "strong attack"}


def stop(row: Mapping[str, Any]) -> str:
    """Where a row stands on the axis: its width, or the kernel."""
    return KERNEL if row["width"] is None else f"{row['width']:,}"


def chart(rows: Sequence[Mapping[str, Any]], conditions: str, chosen: str = "") -> Chart:
    """One stop a width.

    rows        as a job of kind width stores them: width (None for the kernel), NAME_acc, NAME_interval, images, seed
    conditions  the strong attack in words, for the title of the axis
    chosen      the stop whose dots are large
    """
    points = [
        {
            "stop": stop(row),
            "chosen": stop(row) == chosen,
            "what": title,
            "value": row[f"{name}_acc"],
            "low": row[f"{name}_interval"][0],
            "high": row[f"{name}_interval"][1],
            **{key: row[key] for key in ("images", "seed", "title")},
        }
        for row in rows
        for name, title in NAMES.items()
    ]
    order = list(dict.fromkeys(point["stop"] for point in points))
    x = {"field": "stop", "type": "nominal", "sort": order, "title": "width of the network", "axis": {"labelAngle": 0}}
    y = quantitative("value", "accuracy", (0, 1), axis=percent_axis())
    titles = list(NAMES.values())
    look = {"field": "what", "type": "nominal", "legend": marks()}
    colour = {**look, "scale": {"domain": titles, "range": [CLEAN, ROBUST]}}
    shape = {**look, "scale": {"domain": titles, "range": ["square", "circle"]}}
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "title", "title": "model"}, {"field": "what", "title": "attack"},
        {"field": "value", "title": "accuracy", **share}, {"field": "low", "title": "95 % from", **share},
        {"field": "high", "title": "to", **share}, {"field": "images", "title": "test images"}, {"field": "seed"},
    ]  # fmt: skip
    bars = {
        "mark": {"type": "rule", "strokeWidth": 1.6, "opacity": 0.7},
        "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
    }
    band = {
        "mark": {"type": "area", "opacity": 0.13},
        "encoding": {"x": x, "y": {**y, "aggregate": "min"}, "y2": {"field": "value", "aggregate": "max"},
                     "color": colour},
    }  # fmt: skip
    line = {
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {"x": x, "y": {**y, "aggregate": "mean"}, "color": colour},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "tooltip": tooltip,
                     "size": {"condition": {"test": "datum.chosen", "value": 190}, "value": 55}},
    }  # fmt: skip
    return Chart(
        data=table(points, COLUMNS),
        spec={"layer": [band, bars, line, dots], "height": 320},
        alt=f"Accuracy against width, ending with the kernel; strong attack: {conditions}",
    )
