"""Robust against clean accuracy of every row of a study: colour tells the method, shape the training, size the budget.

A condensed set that another one beats on both axes is dominated; the others are joined by a line, the Pareto front.
The full data, the reference, is drawn in grey and left out of it. Bars are one standard deviation to each side.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, percent_axis, quantitative, table
from core.plots.palette import GREY, method_colours

COLUMNS = (
    "clean", "attacked", "method", "training", "images", "seeds", "clean_low", "clean_high", "attacked_low",
    "attacked_high", "front",
)  # fmt: skip
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")
SIZES = (60, 420)
REFERENCE = "full"


def chart(rows: Sequence[Mapping[str, Any]], attack: str, titles: Mapping[str, str] | None = None) -> Chart:
    """One mark a row.

    rows    method, training, budget (images), seeds, clean and attacked in [0, 1], clean_std and attacked_std or None
    attack  the headline attack with its radius, for the axis
    titles  what methods and trainings are called on the figure; their names where none is given
    """
    rivals = [row for row in rows if row["method"] != REFERENCE]
    ahead = front([(row["clean"], row["attacked"]) for row in rivals])
    leading = [row for row, on in zip(rivals, ahead, strict=True) if on]
    called = dict(titles or {})
    points = [_point(row, any(row is other for other in leading), called) for row in rows]
    across, up = _room(rows, "clean"), (0.0, _room(rows, "attacked")[1])
    x = quantitative("clean", "clean accuracy", across, axis=percent_axis())
    y = quantitative("attacked", f"accuracy under {attack}", up, axis=percent_axis())
    methods, trainings = (list(dict.fromkeys(row[name] for row in rows)) for name in ("method", "training"))
    colours = list(method_colours(methods).values())
    methods, trainings = ([called.get(name, name) for name in names] for names in (methods, trainings))
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(trainings))]
    above = {"orient": "top", "title": None, "columns": 3}
    colour = {"field": "method", "type": "nominal", "legend": above, "scale": {"domain": methods, "range": colours}}
    below = {"orient": "bottom", "symbolFillColor": GREY, "symbolStrokeColor": GREY}  # seen on light and on dark
    shape = {"field": "training", "type": "nominal", "title": "training", "legend": below,
             "scale": {"domain": trainings, "range": shapes}}  # fmt: skip
    size = {"field": "images", "type": "quantitative", "title": "images", "legend": below,
            "scale": {"type": "log", "range": SIZES}}  # fmt: skip
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "method"}, {"field": "training"}, {"field": "images", "title": "condensed images", "format": ","},
        {"field": "clean", "title": "clean", **share}, {"field": "attacked", "title": attack, **share},
        {"field": "seeds"},
    ]  # fmt: skip
    thin = {"type": "rule", "strokeWidth": 1.2, "opacity": 0.55}
    aside = {"x": {**x, "field": "clean_low"}, "x2": {"field": "clean_high"}, "y": y, "color": colour}
    along = {"y": {**y, "field": "attacked_low"}, "y2": {"field": "attacked_high"}, "x": x, "color": colour}
    edge = {
        "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1.4, "color": GREY},
        "transform": [{"filter": "datum.front"}],
        "encoding": {"x": x, "y": y, "order": {"field": "clean"}},
    }
    marks = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "size": size, "tooltip": tooltip},
    }
    layers = [edge, {"mark": thin, "encoding": aside}, {"mark": thin, "encoding": along}, marks]
    return Chart(
        data=table(points, COLUMNS), spec={"layer": layers, "height": 520},
        alt=f"Accuracy under {attack} against clean accuracy of {len(rows)} rows, mark size by condensed images",
    )  # fmt: skip


def front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Which points no other point reaches in both coordinates and beats in one."""
    return [
        not any(a >= x and b >= y and (a > x or b > y) for a, b in points)
        for x, y in points
    ]  # fmt: skip


def _room(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """The range of an axis: all marks with their bars, at least a tenth, within [0, 1.02]."""
    ends = [row[name] + sign * (row[f"{name}_std"] or 0.0) for row in rows for sign in (-1, 1)]
    low, high = max(0.0, min(ends, default=0.0) - 0.03), min(1.02, max(ends, default=1.0) + 0.03)
    return [round(low, 3), round(max(high, low + 0.1), 3)]


def _point(row: Mapping[str, Any], on_front: bool, called: Mapping[str, str]) -> dict[str, Any]:
    spread = {name: row[f"{name}_std"] or 0.0 for name in ("clean", "attacked")}
    return {
        **{name: row[name] for name in ("clean", "attacked", "seeds")},
        **{name: called.get(row[name], row[name]) for name in ("method", "training")},
        "images": round(row["budget"]),
        **{f"{name}_low": max(0.0, row[name] - spread[name]) for name in spread},
        **{f"{name}_high": min(1.0, row[name] + spread[name]) for name in spread},
        "front": on_front,
    }
