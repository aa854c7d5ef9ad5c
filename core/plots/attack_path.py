"""The way of an attack on one image: what it maximises, and what the model believes, moment by moment.

The moment in view is a row like the others with a mark, so that moving it changes data and not the specification.
"""

from collections.abc import Sequence
from typing import Any

from core.plots.chart import Chart, marks, percent_axis, quantitative, table
from core.plots.palette import CLEAN, GREY, ROBUST

TRUE, REACHED = "true", "new"


def loss(values: Sequence[float], margins: Sequence[float], now: int, what: str, moments: str) -> Chart:
    """Loss against moment; filled dots are misclassified, hollow ones still right.

    values, margins  one per moment; margin > 0 means misclassified
    now              the moment in view
    what, moments    titles of the axes, as "cross-entropy" and "step"
    """
    rows = [
        {"moment": i, "loss": value, "state": "misclassified" if margin > 0 else "right", "now": i == now}
        for i, (value, margin) in enumerate(zip(values, margins, strict=True))
    ]
    x, y = _moment(moments, len(rows)), quantitative("loss", what, axis={"gridOpacity": 0.5, "tickCount": 5})
    states = ["right", "misclassified"]
    dots = {
        "mark": {"type": "point", "size": 46, "opacity": 1, "strokeWidth": 1.6, "color": ROBUST},
        "encoding": {
            "x": x,
            "y": y,
            "fill": {
                "field": "state", "type": "nominal", "scale": {"domain": states, "range": ["transparent", ROBUST]},
                "legend": {**marks(), "columns": 1, "symbolStrokeColor": ROBUST, "symbolStrokeWidth": 1.6},
            },
            "tooltip": [{"field": "moment", "title": moments}, {"field": "loss", "format": ".4g"}, {"field": "state"}],
        },
    }  # fmt: skip
    line = {"mark": {"type": "line", "color": ROBUST, "strokeWidth": 1.6}, "encoding": {"x": x, "y": y}}
    alt = f"{what} of one image against {moments}"
    spec = {"layer": [_rule(x), line, dots], "height": 230}
    return Chart(data=table(rows, ("moment", "loss", "state", "now")), spec=spec, alt=alt)


def confidence(true: Sequence[float], reached: Sequence[float] | None, now: int, moments: str) -> Chart:
    """The model's confidence in the true class and in the class the attack ends at, in [0, 1], per moment.

    reached  None when the attack ends at the true class
    """
    curves = {TRUE: true} | ({REACHED: reached} if reached is not None else {})
    rows = [
        {"moment": i, "share": share, "class": name, "now": i == now}
        for name, shares in curves.items()
        for i, share in enumerate(shares)
    ]
    x, y = _moment(moments, len(true)), quantitative("share", "confidence", (0, 1), axis=percent_axis())
    domain, colours = [TRUE, REACHED], [CLEAN, ROBUST]
    look = {"field": "class", "type": "nominal", "legend": {**marks(), "columns": 1}}
    seen = {
        "x": x, "y": y, "color": {**look, "scale": {"domain": domain, "range": colours}},
        "tooltip": [{"field": "moment", "title": moments}, {"field": "class"}, {"field": "share", "format": ".1%"}],
    }  # fmt: skip
    shape = {**look, "scale": {"domain": domain, "range": ["circle", "triangle-up"]}}
    line = {"mark": {"type": "line", "strokeWidth": 2.2}, "encoding": seen}
    dots = {
        "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1},
        "encoding": {**seen, "shape": shape},
    }
    alt = f"Confidence in the true class and in the class the attack ends at, against {moments}"
    spec = {"layer": [_rule(x), line, dots], "height": 230}
    return Chart(data=table(rows, ("moment", "share", "class", "now")), spec=spec, alt=alt)


def _moment(title: str, count: int) -> dict[str, Any]:
    return quantitative("moment", title, (0, max(count - 1, 1)), axis={"tickMinStep": 1, "grid": False})


def _rule(x: dict[str, Any]) -> dict[str, Any]:
    """The moment in view as a vertical line."""
    mark = {"type": "rule", "color": GREY, "strokeWidth": 1.5, "strokeDash": [3, 3]}
    return {"mark": mark, "transform": [{"filter": "datum.now"}], "encoding": {"x": x}}
