"""What is proven and what attacks leave, against the budget eps, for one and the same classifier.

The robust accuracy lies within the band, but for the 95 % intervals of both ends; the gap is what nobody knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, legend, percent_axis, quantitative, table
from core.plots.palette import GREEN, GREY, ROBUST

COLUMNS = ("eps", "proven", "attacked")
COLOURS = {"proven": GREEN, "left by attacks": ROBUST}
Row = Mapping[str, Any]


def chart(proven: Sequence[Row], attacked: Sequence[Row], norm: str, eps: float | None) -> Chart:
    """A band from certified to attacked accuracy.

    proven, attacked  rows with eps and value, at the same eps in pixel units of [0, 1]; values are shares in [0, 1]
    eps               budget that is marked by a rule, or None
    raises            AssertionError where more is proven than an attack left: then one of both is wrong
    """
    rows = [
        {"eps": low["eps"], "proven": low["value"], "attacked": high["value"]}
        for low, high in zip(proven, attacked, strict=True)
    ]
    assert all(row["proven"] <= row["attacked"] for row in rows), "an attack broke an image that is proven"
    end = max((row["eps"] for row in rows), default=1.0) or 1.0
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("proven", "accuracy of the nearest neighbour", (0, 1), axis=percent_axis())
    band = {
        "mark": {"type": "area", "opacity": 0.3, "color": GREY},
        "encoding": {"x": x, "y": y, "y2": {"field": "attacked"}, "tooltip": _tooltip()},
    }
    lines = [_line(field, name, x, y) for field, name in zip(COLUMNS[1:], COLOURS, strict=True)]
    rule = {
        "data": {"values": [{"eps": eps}]},
        "mark": {"type": "rule", "color": GREY, "strokeDash": [3, 3]},
        "encoding": {"x": {"field": "eps", "type": "quantitative"}},
    }
    layers = [band, *lines] + ([rule] if eps is not None else [])
    alt = f"Proven and attacked accuracy of the nearest neighbour at {len(rows)} budgets, {norm}"
    return Chart(data=table(rows, COLUMNS), spec={"layer": layers, "height": 260}, alt=alt)


def _line(field: str, name: str, x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    scale = {"domain": list(COLOURS), "range": list(COLOURS.values())}
    return {
        "mark": {"type": "line", "strokeWidth": 2.2, "point": {"size": 26}},
        "encoding": {
            "x": x,
            "y": {**y, "field": field},
            "color": {"datum": name, "type": "nominal", "scale": scale, "legend": legend()},
            "tooltip": _tooltip(),
        },
    }


def _tooltip() -> list[dict[str, Any]]:
    share = {"type": "quantitative", "format": ".1%"}
    return [
        {"field": "eps", "type": "quantitative", "format": ".4f", "title": "ε"},
        {"field": "proven", "title": "proven", **share},
        {"field": "attacked", "title": "left by attacks", **share},
    ]
