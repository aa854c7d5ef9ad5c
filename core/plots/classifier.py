"""The classifier of a run in the plane: regions by class, test points with their budget, and where PGD took them."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.plots.embedding import ball
from core.plots.palette import class_colour, class_symbol

INK = "#1B1F24"
WAY, EDGE = "#7D8590", "rgba(110, 117, 126, .55)"  # to be seen on light and dark pages alike
FLIP = "#D55E00"
Arrays = Mapping[str, np.ndarray]


def figure(found: Arrays, classes: Sequence[str]) -> go.Figure:
    """Regions, ε-shapes around the points, their paths to where PGD took them; those that flip are crossed.

    found  arrays as `core.jobs.plane` stores them; without `cells` no regions are drawn
    """
    figure = plain()
    if "cells" in found:
        figure.add_trace(regions(found["cells"], len(classes)))
    if float(found["eps"]) > 0:
        figure.add_trace(lines(_shapes(found), "budget ε", {"width": 1, "color": EDGE}))
    fooled = (found["before"] == found["y"]) & (found["after"] != found["y"])
    moved = np.stack([found["clean"], found["attacked"], np.full_like(found["clean"], np.nan)], axis=1).reshape(-1, 2)
    figure.add_trace(lines(moved, "way under attack", {"width": 1.4, "color": WAY}))
    for label, name in enumerate(classes):
        at = found["y"] == label
        figure.add_trace(points(found["clean"][at], f"{name}, test", class_symbol(label), class_colour(label), 9))
    figure.add_trace(points(found["attacked"][fooled], "flipped", "x", FLIP, 10))
    return figure


def plain() -> go.Figure:
    """The empty plane from 0 to 1 along both axes, one as long as the other; its legend lies below it."""
    axis = {"range": [0, 1], "showgrid": False, "zeroline": False, "title": "", "constrain": "domain"}
    return go.Figure(
        layout=go.Layout(
            xaxis=axis, yaxis={**axis, "scaleanchor": "x"}, height=430, margin={"l": 0, "r": 0, "t": 4, "b": 0},
            legend={"orientation": "h", "y": -0.08, "font": {"size": 12}}, hovermode="closest", uirevision="plane",
        )
    )  # fmt: skip


def alt(found: Arrays) -> str:
    """What there is to see."""
    right, fooled = counts(found)
    return f"Class regions of the network; of {right} test points that are right, PGD flips {fooled}"


def counts(found: Arrays) -> tuple[int, int]:
    """Points that are right without an attack, and those of them that PGD flips."""
    right = found["before"] == found["y"]
    return int(right.sum()), int((right & (found["after"] != found["y"])).sum())


def regions(cells: np.ndarray, classes: int) -> go.Heatmap:
    """The class of every place as a pale colour; cells (s, s) of labels at y (rows) and x (columns)."""
    side = np.linspace(0, 1, len(cells))
    last = max(1, classes - 1)
    scale = [[place, class_colour(label)] for label in range(classes) for place in _span(label, classes)]
    return go.Heatmap(
        x=side, y=side, z=cells, zmin=-0.5, zmax=last + 0.5, colorscale=scale, showscale=False, opacity=0.28,
        hoverinfo="skip", zsmooth=False,
    )  # fmt: skip


def _span(label: int, classes: int) -> tuple[float, float]:
    """Part of the colour scale that a class has."""
    count = max(2, classes)
    return label / count, (label + 1) / count if label + 1 < classes else 1.0


def _shapes(found: Arrays) -> np.ndarray:
    """Borders of the ε-balls of all points, parted by gaps; (k, 2)."""
    gap = np.full((1, 2), np.nan)
    eps, norm = float(found["eps"]), str(found["norm"])
    borders = [part for centre in found["clean"] for part in (ball(norm, centre, eps), gap)]
    return np.concatenate(borders) if borders else np.empty((0, 2))


def lines(xy: np.ndarray, name: str, line: dict[str, object]) -> go.Scatter:
    """A path through points (n, 2); a row of nan parts it."""
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="lines", name=name, line=line, hoverinfo="skip")


def points(xy: np.ndarray, name: str, symbol: str, colour: str, size: int) -> go.Scatter:
    """Points (n, 2) with a dark rim."""
    marker = {"symbol": symbol, "color": colour, "size": size, "line": {"width": 1, "color": INK}}
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", name=name, marker=marker)
