"""Clean and robust accuracy of one cell of a study beside its bars, random selection and the full data, as bars."""

from collections.abc import Mapping
from typing import Any

from core.plots.chart import Chart, percent_axis, quantitative, table
from core.plots.palette import GREY, method_colours

COLUMNS = ("measure", "method", "value", "low", "high", "images", "seeds")
MEASURES = {"clean": "clean", "attacked": "robust"}
Row = Mapping[str, Any]


def chart(rows: Mapping[str, Row], attack: str, titles: Mapping[str, str] | None = None) -> Chart:
    """One bar a method and measure, with its 95 % interval.

    rows    by method: clean and attacked in [0, 1], each with its _interval and _images, and seeds; the cell's first
    attack  the attack of the robust accuracy, with its radius
    titles  what methods are called on the figure; their names where none is given
    """
    called = {name: (titles or {}).get(name, name) for name in rows}
    bars = [
        {
            "measure": word, "method": called[name], "value": row[key], "low": row[f"{key}_interval"][0],
            "high": row[f"{key}_interval"][1], "images": row[f"{key}_images"], "seeds": row["seeds"],
        }
        for key, word in MEASURES.items()
        for name, row in rows.items()
    ]  # fmt: skip
    colours = {called[name]: colour for name, colour in method_colours(rows).items()}
    x = quantitative("value", f"accuracy, robust under {attack}", (0, 1), axis=percent_axis())
    y = {"field": "measure", "type": "nominal", "title": None, "sort": list(MEASURES.values()),
         "axis": {"labelAngle": 0, "ticks": False, "domain": False}}  # fmt: skip
    offset = {"field": "method", "sort": list(called.values())}
    colour = {"field": "method", "type": "nominal", "legend": {"title": None, "orient": "top"},
              "scale": {"domain": list(colours), "range": list(colours.values())}}  # fmt: skip
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "method"}, {"field": "measure"}, {"field": "value", "title": "accuracy", **share},
        {"field": "low", "title": "95 % from", **share}, {"field": "high", "title": "to", **share},
        {"field": "images", "title": "test images"}, {"field": "seeds"},
    ]  # fmt: skip
    whole = {"x": x, "y": y, "yOffset": offset, "color": colour, "tooltip": tooltip}
    ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "yOffset": offset}
    layers = [
        {"mark": {"type": "bar"}, "encoding": whole},
        {"mark": {"type": "rule", "color": GREY, "strokeWidth": 2.5}, "encoding": ends},
    ]
    told = "; ".join(f"{bar['method']} {bar['measure']} {bar['value']:.0%}" for bar in bars)
    return Chart(data=table(bars, COLUMNS), spec={"layer": layers, "height": 210}, alt=f"Accuracies as bars: {told}")
