"""Put a plot on the page: a Vega-Lite chart that keeps its node, or a trimmed plotly figure; both as files too."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import pyarrow as pa
import streamlit as st

from core.plots.chart import Chart
from core.ui import glossary, saving

CONFIG = {
    "rule": {"aria": False},  # rules mark places and intervals, which `alt` and the points beside them say
    "legend": {"layout": {"bottom": {"direction": "vertical", "anchor": "start"}}},  # beside each other they are cut
}
FILES = {"svg": (saving.to_svg, "image/svg+xml"), "csv": (saving.to_csv, "text/csv")}


def draw(chart: Chart, key: str, file: str | None) -> None:
    """Draw a chart; with the same key and specification a poll changes its data only.

    file  what its files are called, without an ending; None where there are none, as while the chart still grows
    """
    spec = {**chart.spec, "config": CONFIG}
    st.vega_lite_chart(pa.table(dict(chart.data)), spec, key=key, alt=chart.alt, width="stretch")
    if file is not None:
        files(chart, key, file)


def files(chart: Chart, key: str, file: str) -> None:
    """Quiet buttons below a chart that save it; nothing is drawn or written before one is pressed."""
    if not len(chart):
        return
    with st.container(horizontal=True, horizontal_alignment="right", gap="small", key=f"{key}.as-file"):
        for ending, (write, mime) in FILES.items():
            st.download_button(
                ending.upper(), partial(write, chart), f"{file}.{ending}", mime, key=f"{key}.{ending}",
                on_click="ignore", type="tertiary", icon=":material/download:",
            )  # fmt: skip


def headings(titles: Iterable[str], **own: Any) -> dict[str, Any]:
    """Configuration of a table's columns: what each heading means, where the glossary says it; `own` ones win."""
    told = {title: st.column_config.Column(help=help) for title in titles if (help := glossary.heading(title))}
    return told | own


def plotly(file: str) -> dict[str, Any]:
    """Settings of a plotly figure: zoom, and a camera that saves it as SVG.

    The browser writes the file, of the figure as it is zoomed and on the page's ground. Heat maps, and points where
    they are so many that WebGL draws them, are in it as an embedded picture; the rest is strokes and text.
    """
    return {
        "displaylogo": False,
        "scrollZoom": True,
        "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
        "toImageButtonOptions": {"format": "svg", "filename": file},
    }
