"""One image on the line of budgets: up to where nothing can change its answer, from where on an attack does.

What lies between is open. All lengths in one norm, in pixels of [0, 1].
"""

import math

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import GREEN, GREY, VERMILLION

INK = "#1B1F24"
PARTS = ("proven: no attack", "open", "an attack was found")
COLUMNS = ("part", "from", "to")


def chart(radius: float, size: float, eps: float | None, norm: str) -> Chart:
    """A bar in three parts, and a rule at eps where one is given.

    radius  proven, 0 where the image is wrong, infinite where nothing in the box changes the answer
    size    of the smallest attack found, infinite where none was
    raises  AssertionError where an attack is shorter than what is proven: then one of both is wrong
    """
    assert radius <= size, "an attack is shorter than the proven radius"
    lengths = [length for length in (radius, size, eps or 0.0) if math.isfinite(length)]
    end = 1.3 * max(lengths) or 1.0
    stops = [0.0, min(radius, end), min(size, end), end]
    rows = [
        {"part": part, "from": low, "to": high}
        for part, low, high in zip(PARTS, stops[:-1], stops[1:], strict=True)
        if high > low
    ]
    x = quantitative("from", f"length of a move ({norm}, pixels in [0, 1])", (0, end), axis={"grid": False})
    colour = {
        "field": "part", "type": "nominal", "scale": {"domain": list(PARTS), "range": [GREEN, GREY, VERMILLION]},
        "legend": {"title": None, "orient": "top", "labelLimit": 320},
    }  # fmt: skip
    tooltip = [{"field": "part", "title": "what is known"}, *({"field": name, "format": ".4f"} for name in COLUMNS[1:])]
    bar = {
        "mark": {"type": "bar", "size": 22},
        "encoding": {"x": x, "x2": {"field": "to"}, "color": colour, "tooltip": tooltip},
    }
    mark = {"type": "rule", "strokeWidth": 3, "strokeDash": [4, 3], "color": INK}
    rule = {"mark": mark, "encoding": {"x": {"datum": eps, "type": "quantitative"}}}
    found = f"an attack of length {size:.4g} was found" if math.isfinite(size) else "no attack was found"
    proven = f"Proven up to {radius:.4g}" if math.isfinite(radius) else "Proven against every move"
    return Chart(
        data=table(rows, COLUMNS),
        spec={"layer": [bar] if eps is None else [bar, rule], "height": 120},
        alt=f"{proven} in {norm}; {found}",
    )
