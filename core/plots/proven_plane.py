"""Nearest neighbour in the plane: which class it says where, and within that where no move of eps changes it."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.plots.palette import class_colour, class_symbol

INK = "#1B1F24"
Regions = Mapping[int, Sequence[np.ndarray]]


def figure(x: np.ndarray, y: np.ndarray, says: Regions, proven: Regions, classes: Sequence[str]) -> go.Figure:
    """Pale where the class is said, strong where it is proven, and the condensed points.

    x, y          (m, 2) points of the unit square and their classes
    says, proven  label -> convex polygons (k, 2)
    """
    axis = {"range": [0, 1], "showgrid": False, "zeroline": False, "title": "", "constrain": "domain"}
    figure = go.Figure(
        layout=go.Layout(
            xaxis=axis, yaxis={**axis, "scaleanchor": "x"}, height=430, margin={"l": 0, "r": 0, "t": 4, "b": 0},
            legend={"orientation": "h", "y": -0.08, "font": {"size": 12}}, hovermode="closest", uirevision="proven",
        )
    )  # fmt: skip
    for label, name in enumerate(classes):
        for what, parts, opacity in (("said", says, 0.22), ("proven", proven, 0.6)):
            if parts.get(label):
                figure.add_trace(_area(parts[label], f"{name}, {what}", class_colour(label), opacity))
        at = y == label
        marker = {
            "symbol": class_symbol(label),
            "color": class_colour(label),
            "size": 9,
            "line": {"width": 1.4, "color": INK},
        }
        figure.add_trace(go.Scatter(x=x[at, 0], y=x[at, 1], mode="markers", name=f"{name}, condensed", marker=marker))
    return figure


def share(parts: Regions) -> float:
    """Part of the unit square that regions fill, by the corners of their polygons."""
    return sum(
        float((p[:, 0] * np.roll(p[:, 1], -1) - p[:, 1] * np.roll(p[:, 0], -1)).sum() / 2)
        for polygons in parts.values()
        for p in polygons
    )


def _area(polygons: Sequence[np.ndarray], name: str, colour: str, opacity: float) -> go.Scatter:
    """Polygons as one trace: its opacity is that of the whole, so that no seam shows between two of them."""
    gap = np.full((1, 2), np.nan)
    xy = np.concatenate([part for p in polygons for part in (p, p[:1], gap)])
    return go.Scatter(
        x=xy[:, 0], y=xy[:, 1], mode="lines", fill="toself", fillcolor=colour, line={"width": 0.7, "color": colour},
        opacity=opacity, name=name, hoverinfo="skip",
    )  # fmt: skip
