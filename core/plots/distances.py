"""How far train images lie from their own centre and from the nearest image of another class.

Two histograms over one axis, with the radius, twice the radius and the attack budget as rules. A ball reaches into
another class wherever an image has its nearest enemy within the radius of the ball around it.
"""

from collections.abc import Mapping
from typing import Any

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import BLUE, GREY, ORANGE, VERMILLION

OWN, ENEMY = "to the own centre", "to the nearest enemy"
COLUMNS = ("from", "to", "count", "what", "at", "mark")


def chart(found: Mapping[str, Any], *, radius: float, eps: float, norm: str) -> Chart:
    """Bars of counts.

    found   edges (b + 1,), centre and enemy (b,) counts
    radius  covering radius; it and eps in pixel units of [0, 1]
    """
    edges = found["edges"]
    rows: list[dict[str, Any]] = [
        {"from": low, "to": high, "count": count, "what": what}
        for what, name in ((OWN, "centre"), (ENEMY, "enemy"))
        for low, high, count in zip(edges[:-1], edges[1:], found[name], strict=True)
        if count
    ]
    rules = {f"η {radius:.3g}": radius, f"2η {2 * radius:.3g}": 2 * radius, f"ε {eps:.3g}": eps}
    rows += [{"at": at, "mark": word} for word, at in rules.items()]
    x = quantitative("from", f"{norm} distance, pixels in [0, 1]", (0, 1.04 * max(edges[-1], 2 * radius, eps)))
    kinds = {"domain": [OWN, ENEMY], "range": [BLUE, ORANGE]}
    colour = {"field": "what", "type": "nominal", "scale": kinds, "legend": {"title": None, "orient": "top"}}
    tooltip = [
        {"field": "what"}, {"field": "from", "format": ".3g", "type": "quantitative"},
        {"field": "to", "format": ".3g", "type": "quantitative"}, {"field": "count", "title": "train images"},
    ]  # fmt: skip
    bars = {
        "transform": [{"filter": "isValid(datum.count)"}],
        "mark": {"type": "rect", "opacity": 0.6},
        "encoding": {
            "x": x, "x2": {"field": "to"}, "y": quantitative("count", "train images", stack=None),
            "y2": {"datum": 0}, "color": colour,
            "tooltip": tooltip,
        },
    }  # fmt: skip
    looks = {"domain": list(rules), "range": [GREY, GREY, VERMILLION]}
    dashes = {"domain": list(rules), "range": [[1, 0], [6, 4], [2, 2]]}
    mark = {"field": "mark", "type": "nominal", "legend": {"title": None, "orient": "bottom", "symbolType": "stroke"}}
    lines = {
        "transform": [{"filter": "isValid(datum.at)"}],
        "mark": {"type": "rule", "strokeWidth": 2},
        "encoding": {
            "x": {**x, "field": "at"},
            "stroke": {**mark, "scale": looks},
            "strokeDash": {**mark, "scale": dashes},
        },
    }
    alt = f"Distances of {found['images']:,} train images to their centre and to the nearest enemy, {norm}"
    return Chart(data=table(rows, COLUMNS), spec={"layer": [bars, lines], "height": 300}, alt=alt)
