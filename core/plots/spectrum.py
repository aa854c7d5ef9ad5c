"""Eigenvalues of the kernel matrix of a condensed set, largest first, on logarithmic axes.

What falls below the ridge is regression's noise floor: directions there are hardly fitted.
"""

from collections.abc import Sequence

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import CLEAN, DASHED, GREY


def chart(eigenvalues: Sequence[float], ridge: float) -> Chart:
    """One dot an eigenvalue; those not above zero, which rounding can make, cannot be drawn and are left out.

    eigenvalues  (m,) largest first
    ridge        relative to the mean diagonal, which is the mean eigenvalue
    """
    floor = ridge * sum(eigenvalues) / len(eigenvalues) if len(eigenvalues) else 0.0
    rows = [
        {"rank": rank, "value": value, "floor": floor} for rank, value in enumerate(eigenvalues, start=1) if value > 0
    ]
    log = {"scale": {"type": "log", "nice": False}}
    x = {**quantitative("rank", "rank of the eigenvalue"), **log}
    y = {**quantitative("value", "eigenvalue"), **log, "axis": {"format": ".0e", "tickCount": 6}}
    tooltip = [{"field": "rank"}, {"field": "value", "format": ".4g", "type": "quantitative", "title": "eigenvalue"}]
    layers = [
        {
            "mark": {"type": "line", "point": {"filled": True, "size": 28}, "color": CLEAN},
            "encoding": {"x": x, "y": y, "tooltip": tooltip},
        }
    ]
    if floor > 0:
        layers.append(
            {
                "mark": {"type": "line", "strokeDash": DASHED, "color": GREY},
                "encoding": {"x": x, "y": {**y, "field": "floor"}},
            }
        )
    left = len(eigenvalues) - len(rows)
    return Chart(
        data=table(rows, ("rank", "value", "floor")),
        spec={"layer": layers, "height": 320},
        alt=f"{len(rows)} eigenvalues of the kernel matrix, falling, and the ridge as a dashed line"
        + (f"; {left} not above zero are not drawn" if left else ""),
    )
