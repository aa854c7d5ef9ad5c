"""A finished chart as a file: SVG that stands on its own, and CSV of the table behind it.

The SVG is the same Vega-Lite as in the browser, drawn by `core.ui.svg` in a process of its own: about one second a
chart, nothing before somebody asks.
"""

import csv
import io
import json
import math
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any

from core.errors import ResourceError
from core.plots.chart import Chart
from core.types.spreadsheet import cell

ROOT = Path(__file__).resolve().parents[2]
WIDTH, PADDING = 640, 14  # pixels between the axes and around; on a page a chart takes the width there is
PATIENCE_S = 120.0
LOOK: dict[str, Any] = {
    "background": "white",
    "font": "sans-serif",
    "axis": {"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal", "gridColor": "#E3E6EA"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": None},
}
COLUMN, COLUMN_HEIGHT = 240, 320  # points, 3.3 inches wide: a column of the usual two-column styles
SMALL = {
    "axis": {**LOOK["axis"], "labelFontSize": 7, "titleFontSize": 7},
    "legend": {
        **LOOK["legend"], "labelFontSize": 7, "titleFontSize": 7, "orient": "bottom", "columns": 3, "rowPadding": 1,
        "padding": 1, "offset": 4, "layout": {"bottom": {"direction": "vertical", "anchor": "start", "margin": 2}},
    },
}  # fmt: skip
INTERACTIVE = "params"  # zoom and clicks, which a picture has no use for


def specification(chart: Chart) -> dict[str, Any]:
    """The chart as one self-contained Vega-Lite specification, with its table and the look of a printed figure."""
    rows = [
        {name: _drawable(value) for name, value in zip(chart.data, row, strict=True)}
        for row in zip(*chart.data.values(), strict=True)
    ]
    still = {name: part for name, part in chart.spec.items() if name != INTERACTIVE}
    return {"width": WIDTH, "padding": PADDING, **still, "data": {"values": rows}, "config": LOOK}


def to_svg(chart: Chart) -> bytes:
    """Draw a chart as SVG on white, titled by its sentence for readers who cannot see it.

    returns  UTF-8 XML
    raises   ResourceError when the process that draws cannot, or takes longer than two minutes
    """
    return _titled(_drawn(specification(chart)).decode(), chart.alt).encode()


def column(chart: Chart, ending: str) -> bytes:
    """Draw a chart at the width of a paper's column, as "svg" or "pdf"; raises as `to_svg` does."""
    narrow = {
        "width": COLUMN,
        "height": COLUMN_HEIGHT,
        "padding": 2,
        "autosize": {"type": "fit", "contains": "padding"},
    }
    wanted = {**specification(chart), **narrow, "config": {**LOOK, **SMALL}}
    picture = _drawn(wanted, ending)
    return picture if ending == "pdf" else _titled(picture.decode(), chart.alt).encode()


def _drawn(specification: dict[str, Any], ending: str = "svg") -> bytes:
    wanted = json.dumps(specification, allow_nan=False).encode()
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
    command = [sys.executable, "-m", "core.ui.svg", ending]
    try:
        done = subprocess.run(
            command, cwd=ROOT, input=wanted, capture_output=True, timeout=PATIENCE_S, creationflags=hidden, check=False
        )
    except subprocess.TimeoutExpired:
        raise ResourceError(
            f"the chart was not drawn as {ending.upper()} within {PATIENCE_S:.0f} s: "
            "try again when the machine is less busy"
        ) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        said = [line for line in lines if line[:1].strip()] or ["nothing"]  # the indented ones are a stack
        raise ResourceError(
            f"the chart could not be drawn as {ending.upper()}: vl-convert was expected to draw it and said "
            f"{said[-1]!r}; install requirements.txt anew"
        )
    return done.stdout


def to_csv(chart: Chart) -> bytes:
    """The table behind a chart as CSV in UTF-8 with a header; a missing value is an empty cell."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(map(cell, chart.data))
    rows.writerows(map(cell, row) for row in zip(*chart.data.values(), strict=True))
    return text.getvalue().encode()


def _drawable(value: Any) -> Any:
    """JSON has no NaN and no infinity, and neither has a place in a picture."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _titled(picture: str, title: str) -> str:
    """Say at the top of an SVG what it shows, where browsers and screen readers look for it."""
    head, _, rest = picture.partition(">")
    return f'{head} role="img"><title>{escape(title, quote=False)}</title>{rest}'
