"""The small picture on an indicator's card: the numbers behind its value, as bars in their order."""

from collections.abc import Sequence

from core.plots.chart import Chart, table
from core.plots.palette import CLEAN

ROW, FRAME = 20, 14  # pixels of one bar, and of what the frame takes
INK = "'#8A8F98'"  # readable on both pages

AXIS = {"ticks": False, "domain": False, "labelOverlap": False, "labelLimit": 190}


def picture(series: Sequence[tuple[str, float]], title: str) -> Chart:
    """Horizontal bars with their numbers written out; (label, number) pairs from top to bottom."""
    rows = [{"label": label, "number": number} for label, number in series]
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": AXIS}
    top = max((abs(number) for _, number in series), default=0.0) or 1.0
    x = {
        "field": "number",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [min(0.0, *(number for _, number in series)), 1.35 * top]},
    }
    bars = {"mark": {"type": "bar", "color": CLEAN, "height": {"band": 0.62}}, "encoding": {"x": x, "y": y}}
    words = {
        "mark": {"type": "text", "align": "left", "dx": 4, "color": {"expr": INK}, "fontSize": 11},
        "encoding": {"x": x, "y": y, "text": {"field": "number", "type": "quantitative", "format": ".3~g"}},
    }
    alt = f"{title}: " + ", ".join(f"{label} {number:.3g}" for label, number in series)
    return Chart(
        data=table(rows, ("label", "number")), spec={"layer": [bars, words], "height": FRAME + ROW * len(rows)}, alt=alt
    )
