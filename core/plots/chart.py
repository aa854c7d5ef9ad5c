"""A Vega-Lite chart as a value: one table and one specification that does not change while the table grows.

A browser that gets the same specification with more rows keeps its chart, and with it the reader's zoom.
Plain dictionaries need no plotting library in the page process. Source: vega.github.io/vega-lite/docs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What a page hands to the browser.

    data  columns of equal length, by name
    spec  Vega-Lite specification without data
    alt   one sentence that says what is drawn, for readers who cannot see it
    """

    data: Mapping[str, Sequence[Any]]
    spec: Mapping[str, Any]
    alt: str

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, list[Any]]:
    """Rows as columns; a missing value is None."""
    return {name: [row.get(name) for row in rows] for name in columns}


def quantitative(field: str, title: str | None, domain: Sequence[float] | None = None, **more: Any) -> dict[str, Any]:
    """One quantitative channel; a fixed domain keeps the axis still while data arrive."""
    scale = {"scale": {"domain": list(domain), "nice": False}} if domain else {}
    return {"field": field, "type": "quantitative", "title": title, **scale, **more}


def percent_axis() -> dict[str, Any]:
    """Axis of shares in [0, 1], labelled in percent."""
    return {"format": ".0%", "tickCount": 6, "gridOpacity": 0.5}


def shapes(field: str, found: Mapping[str, str]) -> dict[str, Any]:
    """A mark for each value of a field, with a legend of its own where they are not all the same."""
    key = {"title": None, "orient": "bottom", "labelLimit": 420, "columns": 2}
    scale = {"domain": list(found), "range": list(found.values())}
    several = len(set(found.values())) > 1
    return {"field": field, "type": "nominal", "scale": scale, "legend": key if several else None}


def marks() -> dict[str, Any]:
    """A legend of marks above the chart, for lines that differ by their marks as well as by colour."""
    return {"title": None, "orient": "top", "symbolSize": 70, "symbolOpacity": 1}


def called(titles: Mapping[str, str]) -> dict[str, str]:
    """What a legend calls values, where that is not what they are."""
    return {"labelExpr": f"{json.dumps(titles)}[datum.label] || datum.label"} if titles else {}


def legend() -> dict[str, Any]:
    """A legend of strokes above the chart, drawn at full strength."""
    look = {"symbolType": "stroke", "symbolSize": 420, "symbolStrokeWidth": 2.4, "symbolOpacity": 1}
    return {"title": None, "orient": "top", "labelLimit": 320, "columns": 3, **look}
