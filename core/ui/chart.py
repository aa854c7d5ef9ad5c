"""Put a plot on the page: a Vega-Lite chart that keeps its node, or a trimmed plotly figure."""

import pyarrow as pa
import streamlit as st

from core.plots.chart import Chart

PLOTLY = {"displaylogo": False, "scrollZoom": True, "modeBarButtons": [["zoomIn2d", "zoomOut2d", "resetScale2d"]]}


def draw(chart: Chart, key: str) -> None:
    """Draw a chart; with the same key and specification a poll changes its data only."""
    st.vega_lite_chart(pa.table(dict(chart.data)), dict(chart.spec), key=key, alt=chart.alt, width="stretch")
