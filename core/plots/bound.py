"""Radius and attack budget beside the separation: does the covering certify anything?

A cover with radius η bounds the adversarial loss at ε by the loss at ε + η around the centres. Where ε + η passes
half the smallest distance between two classes, balls of different classes meet, and the bound, still true, says
little. Source: Chen & Selvan 2024, arXiv:2402.05675.
"""

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import BLUE, ORANGE, VERMILLION


def chart(*, radius: float, eps: float, separation: float, norm: str) -> Chart:
    """One stacked bar, radius then eps, against a rule at half the separation; all in pixel units of [0, 1]."""
    rows = [
        {"part": "radius η", "from": 0.0, "to": radius, "row": "η + ε"},
        {"part": "attack budget ε", "from": radius, "to": radius + eps, "row": "η + ε"},
        {"part": "half the separation", "from": 0.0, "to": separation / 2, "row": "separation / 2"},
    ]
    parts = [row["part"] for row in rows]
    x = quantitative("from", f"{norm} distance, pixels in [0, 1]", (0, 1.08 * max(radius + eps, separation / 2)))
    colour = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": parts, "range": [ORANGE, VERMILLION, BLUE]},
        "legend": {"title": None, "orient": "top"},
    }
    y = {"field": "row", "type": "nominal", "title": None, "sort": ["η + ε", "separation / 2"], "axis": None}
    spec = {
        "mark": {"type": "bar", "size": 18},
        "encoding": {"x": x, "x2": {"field": "to"}, "y": y, "color": colour, "tooltip": [{"field": "part"}]},
        "height": 170,
    }
    alt = f"Radius {radius:.3g} plus ε {eps:.3g} against half the separation {separation / 2:.3g}, {norm}"
    return Chart(data=table(rows, ("part", "from", "to", "row")), spec=spec, alt=alt)


def verdict(*, radius: float, eps: float, separation: float, norm: str) -> str:
    """What the three numbers mean, in one sentence."""
    reach, half = radius + eps, separation / 2
    if reach < half:
        return f"ε + η = {reach:.3g} is below half the separation, {half:.3g} ({norm}): classes stay apart."
    times = f"{reach / half:.1f} times" if half else "above"
    return (
        f"ε + η = {reach:.3g} is {times} half the separation, {half:.3g} ({norm}): balls of different classes overlap, "
        "so the bound is true but says little here."
    )


def beside(radius: float, separation: float) -> str:
    """What cover and separation alone say of nearest neighbour on the centres, for train images, in one sentence."""
    sure = (separation - radius) / 2
    if sure > 0:
        return (
            f"Any train image moved by less than (separation − η) / 2 = {sure:.3g} is still nearest to its own class."
        )
    return f"The cover alone says nothing of nearest neighbour either: η = {radius:.3g} is not below {separation:.3g}."
