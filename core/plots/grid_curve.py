"""Robust accuracy of a study's cells against the attack radius, one line a method, with a marker where one looks.

Colour tells the method, the dash the training. Every point is a cell of its own: trained, where training attacks, and
judged at its own radius. The line between two points only joins them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, legend, percent_axis, quantitative, table
from core.plots.palette import GREY, method_colours, training_dash

COLUMNS = ("eps", "value", "low", "high", "method", "images")
Row = Mapping[str, Any]


def chart(
    lines: Mapping[str, Sequence[Row]], training: str, asked: tuple[float, str], *, end: float, norm: str, attack: str,
    titles: Mapping[str, str] | None = None,
) -> Chart:  # fmt: skip
    """One line a method, the first with its intervals.

    lines   rows by method, each by rising eps: eps (pixel units of [0, 1]), attacked, attacked_interval and
            attacked_images; shares in [0, 1]
    asked   radius under the marker, and how it is written
    end     right end of the axis
    titles  what methods are called on the figure; their names where none is given
    """
    called = {name: (titles or {}).get(name, name) for name in lines}
    points = [
        {
            "eps": row["eps"], "value": row["attacked"], "low": row["attacked_interval"][0],
            "high": row["attacked_interval"][1], "method": called[name], "images": row["attacked_images"],
        }
        for name, rows in lines.items()
        for row in rows
    ]  # fmt: skip
    colours = {called[name]: colour for name, colour in method_colours(lines).items()}
    first = next(iter(colours), "")
    x = quantitative("eps", f"attack budget ε ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    y = quantitative("value", "robust accuracy", (0, 1), axis=percent_axis())
    colour = {"field": "method", "type": "nominal", "legend": {**legend(), "columns": 2},
              "scale": {"domain": list(colours), "range": list(colours.values())}}  # fmt: skip
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "method"}, {"field": "eps", "type": "quantitative", "format": ".4f", "title": "ε"},
        {"field": "value", "title": "accuracy", **share}, {"field": "low", "title": "95 % from", **share},
        {"field": "high", "title": "to", **share}, {"field": "images", "title": "test images"},
    ]  # fmt: skip
    own, whole = [{"filter": {"field": "method", "equal": first}}], {"x": x, "y": y, "color": colour}
    here = {"values": [{"at": asked[0], "word": f"ε {asked[1]}"}]}
    at = {"field": "at", "type": "quantitative"}
    thin = {"type": "line", "strokeWidth": 2.2, "strokeDash": training_dash(training)}
    marker = {"type": "rule", "strokeWidth": 5, "opacity": 0.45, "color": GREY}
    dots = {"type": "point", "filled": True, "size": 60, "opacity": 1}
    layers = [
        {"data": here, "mark": marker, "encoding": {"x": at}},
        {"mark": thin, "encoding": {**whole, "tooltip": tooltip}},
        {"mark": {"type": "rule", "strokeWidth": 2.2}, "transform": own,
         "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
        {"mark": dots, "encoding": {**whole, "tooltip": tooltip}},
    ]  # fmt: skip
    alt = f"Accuracy under {attack} against ε of {', '.join(colours) or 'no method'}, marker at ε {asked[1]}"
    return Chart(data=table(points, COLUMNS), spec={"layer": layers, "height": 270}, alt=alt)
