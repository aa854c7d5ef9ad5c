"""The frontier of covers: the radius achieved and the proven lower bound against centres per class.

Between the two curves lies what nobody knows; where they meet, the cover is proven optimal. The chart has one
selection, `pick`, whose points carry k. Source: arXiv:2402.05675; the bounds are those of core.covering.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import BLUE, ORANGE

ACHIEVED, LOWER = "achieved", "proven lower bound"
COLUMNS = ("k", "radius", "what", "proven")


def chart(points: Sequence[Mapping[str, Any]], norm: str, whose: str) -> Chart:
    """Dots of what was achieved and strokes of what is proven; only a chart of one mark can be clicked.

    points  from `of_class` or `of_all`, k increasing
    whose   "class 3" or "largest over classes", for the axis
    """
    rows = [
        {"k": p["k"], "radius": p[name], "what": what, "proven": "proven optimal" if p["proven"] else "gap open"}
        for what, name in ((ACHIEVED, "radius"), (LOWER, "lower"))
        for p in points
    ]
    look, key = {"field": "what", "type": "nominal"}, {"title": None, "orient": "top", "labelLimit": 320}
    spec = {
        "params": [{"name": "pick", "select": {"type": "point", "fields": ["k"], "nearest": True}}],
        "mark": {"type": "point", "filled": True, "size": 42, "opacity": 0.85},
        "encoding": {
            "x": quantitative("k", "centres per class", axis={"format": "d", "tickMinStep": 1}),
            "y": quantitative("radius", f"radius η, {norm}, {whose}", scale={"zero": False}),
            "color": {**look, "scale": {"domain": [ACHIEVED, LOWER], "range": [BLUE, ORANGE]}, "legend": key},
            "shape": {**look, "scale": {"domain": [ACHIEVED, LOWER], "range": ["circle", "cross"]}, "legend": key},
            "tooltip": [
                {"field": "k", "title": "centres per class"}, {"field": "what"},
                {"field": "radius", "type": "quantitative", "format": ".4g"}, {"field": "proven", "title": "state"},
            ],
        },
        "height": 300,
    }  # fmt: skip
    alt = f"Radius against centres per class, {norm}, {whose}: {len(points)} numbers of centres"
    return Chart(data=table(rows, COLUMNS), spec=spec, alt=alt)


def of_class(rows: Sequence[Mapping[str, Any]], label: int) -> list[dict[str, Any]]:
    """The points of one class, k increasing."""
    return sorted((dict(row) for row in rows if row["label"] == label), key=lambda row: row["k"])


def of_all(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The largest radius and the largest lower bound over the classes at each k.

    Where a class has no point at k, its radius is that of its nearest smaller k, and its bound that of its nearest
    larger one, else zero: more centres never need a larger radius, and a bound holds for fewer centres, not for more.
    """
    classes = {label: of_class(rows, label) for label in {row["label"] for row in rows}}
    points = []
    for k in sorted({row["k"] for row in rows}):
        reached = [[p for p in own if p["k"] <= k] for own in classes.values()]
        if not all(reached):
            continue
        radius = max(own[-1]["radius"] for own in reached)
        lower = max(next((p["lower"] for p in own if p["k"] >= k), 0.0) for own in classes.values())
        points.append({"k": k, "radius": radius, "lower": lower, "proven": lower >= radius})
    return points
