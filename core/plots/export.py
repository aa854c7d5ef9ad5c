"""A finished chart as a file: SVG that stands on its own, and CSV of the table behind it.

The SVG is drawn by vl-convert (github.com/vega/vl-convert), the same Vega-Lite as in the browser, without a network.
Its JavaScript engine takes about 80 MB and keeps more with every chart, so it lives in a process of its own that ends
with the picture: about one second a chart, nothing before somebody asks.
"""

import csv
import io
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from core.errors import ResourceError
from core.plots.chart import Chart

ROOT = Path(__file__).resolve().parents[2]
WIDTH, PADDING = 640, 14  # pixels between the axes and around; on a page a chart takes the width there is
PATIENCE_S = 120.0
LOOK = {
    "background": "white",
    "font": "sans-serif",
    "axis": {"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal", "gridColor": "#E3E6EA"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "view": {"stroke": None},
}
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
    wanted = json.dumps(specification(chart), allow_nan=False).encode()
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
    command = [sys.executable, "-m", "core.plots.export"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, input=wanted, capture_output=True, timeout=PATIENCE_S, creationflags=hidden, check=False
        )
    except subprocess.TimeoutExpired:
        raise ResourceError(
            f"the chart was not drawn as SVG within {PATIENCE_S:.0f} s: try again when the machine is less busy"
        ) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        said = [line for line in lines if line[:1].strip()] or ["nothing"]  # the indented ones are a stack
        raise ResourceError(
            f"the chart could not be drawn as SVG: vl-convert was expected to draw it and said {said[-1]!r}; "
            "install requirements.txt anew"
        )
    return _titled(done.stdout.decode(), chart.alt).encode()


def to_csv(chart: Chart) -> bytes:
    """The table behind a chart as CSV in UTF-8 with a header; a missing value is an empty cell."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(chart.data)
    rows.writerows(zip(*chart.data.values(), strict=True))
    return text.getvalue().encode()


def _drawable(value: Any) -> Any:
    """JSON has no NaN and no infinity, and neither has a place in a picture."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _titled(picture: str, title: str) -> str:
    """Say at the top of an SVG what it shows, where browsers and screen readers look for it."""
    head, _, rest = picture.partition(">")
    return f'{head} role="img"><title>{escape(title, quote=False)}</title>{rest}'


def _draw(spec: Mapping[str, Any]) -> str:
    """The work of the process: no address outside may be asked for anything."""
    import vl_convert

    return vl_convert.vegalite_to_svg(dict(spec), allowed_base_urls=[])


if __name__ == "__main__":
    sys.stdout.buffer.write(_draw(json.load(sys.stdin.buffer)).encode())
