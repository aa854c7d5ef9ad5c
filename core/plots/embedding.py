"""The 2-D map of the train images: classes, centres, and the true members of one selected centre.

A ball in pixel space is not a circle after UMAP, so none is drawn there: members are told by colour, from the
distances in pixel space. Only where the data are two-dimensional are balls drawn, to scale.
"""

import numpy as np
import plotly.graph_objects as go

from core.plots.palette import class_colour, class_symbol
from core.types import MapData

INK, HALO = "#1B1F24", "#FFFFFF"
GL_FROM = 3000  # points from which WebGL draws faster than SVG


def figure(data: MapData, classes: tuple[str, ...] = (), selected: int | None = None) -> go.Figure:
    """Train images as points, centres as diamonds; clicking any point gives its centre in `customdata`.

    selected  row of the condensed set whose members are lit up, or None
    """
    inside = data.owner == selected if selected is not None and len(data.owner) else None
    figure = go.Figure(layout=_layout(data))
    if data.true_space and len(data.owner) and len(data.centres):
        for label in np.unique(data.y[data.centres]):
            figure.add_trace(_balls(data, int(label), selected))
    for label in np.unique(data.y):
        figure.add_trace(_class_points(data, int(label), _name(classes, int(label)), inside))
    if inside is not None:
        figure.add_trace(_members(data, inside))
    if len(data.centres):
        figure.add_trace(_underlay(data, selected))
        figure.add_trace(_centres(data, selected))
    return figure


def ball(norm: str, centre: np.ndarray, radius: float, sides: int = 48) -> np.ndarray:
    """The border of a ball in the plane, closed.

    centre   (2,) float, radius in the same units
    returns  (k, 2) float64: a circle for L2, a square for Linf, a diamond for L1
    """
    if norm == "L2":
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    elif norm == "Linf":
        unit = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]], dtype=float)
    else:
        unit = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]], dtype=float)
    unit[-1] = unit[0]
    return np.asarray(centre, dtype=float) + radius * unit


def balls(data: MapData, classes: tuple[str, ...] = ()) -> dict[str, list]:
    """One row per centre as columns: its number, class, members drawn and largest distance to one of them."""
    members = np.bincount(data.owner, minlength=len(data.centres))
    labels = [_name(classes, int(label)) for label in data.y[data.centres]]
    return {
        "centre": list(range(len(labels))),
        "class": labels,
        "members": members.tolist(),
        "radius": radii(data).round(4).tolist(),
    }


def radii(data: MapData) -> np.ndarray:
    """Largest distance from each centre to a point drawn that it owns, (m,) float64."""
    out = np.zeros(len(data.centres))
    np.maximum.at(out, data.owner, data.distance)
    return out


def _name(classes: tuple[str, ...], label: int) -> str:
    return classes[label] if label < len(classes) else str(label)


def _layout(data: MapData) -> go.Layout:
    hidden = {"visible": False, "showgrid": False, "zeroline": False}
    shown = {"showgrid": True, "zeroline": False, "title": "", "constrain": "domain"}
    axis = shown if data.true_space else hidden
    return go.Layout(
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"} if data.true_space else axis,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        height=430,
        legend={
            "orientation": "h",
            "y": -0.08 if data.true_space else -0.02,
            "itemsizing": "constant",
            "itemwidth": 30,
            "font": {"size": 12},
        },
        dragmode="pan",
        clickmode="event+select",
        hovermode="closest",
        uirevision="map",
    )


def _class_points(data: MapData, label: int, name: str, inside: np.ndarray | None) -> go.Scatter | go.Scattergl:
    at = np.flatnonzero(data.y == label)
    kind = go.Scattergl if len(data.y) >= GL_FROM else go.Scatter
    owner = data.owner[at] if len(data.owner) else np.full(len(at), -1)
    opacity = 0.55 if inside is None else 0.18
    marker = {"size": 5, "color": class_colour(label), "symbol": class_symbol(label), "opacity": opacity}
    return kind(
        x=data.xy[at, 0],
        y=data.xy[at, 1],
        mode="markers",
        name=name,
        marker=marker,
        customdata=np.stack([owner, data.rows[at]], axis=1),
        hovertemplate=f"{name}<br>train image %{{customdata[1]}}<extra></extra>",
        selected={"marker": {"opacity": opacity}},
        unselected={"marker": {"opacity": opacity}},
    )


def _members(data: MapData, inside: np.ndarray) -> go.Scatter:
    """The points that belong to the selected centre, ringed; their colour stays that of their class."""
    at = np.flatnonzero(inside)
    return go.Scatter(
        x=data.xy[at, 0],
        y=data.xy[at, 1],
        mode="markers",
        name="members",
        marker={
            "size": 9,
            "color": [class_colour(int(label)) for label in data.y[at]],
            "line": {"width": 1.6, "color": INK},
        },
        customdata=np.stack([data.owner[at], data.rows[at], data.distance[at]], axis=1),
        hovertemplate="member, train image %{customdata[1]}<br>distance %{customdata[2]:.3f} "
        f"{data.norm}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _underlay(data: MapData, selected: int | None) -> go.Scatter:
    """Dark diamonds beneath the centres' white rims, so that they stand out on light and dark pages."""
    marker = {**_marks(data, selected, 3), "color": INK}
    xy = data.xy[data.centres]
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _marks(data: MapData, selected: int | None, wider: int = 0) -> dict:
    count = range(len(data.centres))
    return {
        "size": [(18 if i == selected else 7) + wider for i in count],
        "symbol": ["star" if i == selected else "diamond" for i in count],
        "opacity": [1.0 if selected in (None, i) else 0.35 for i in count],
    }


def _centres(data: MapData, selected: int | None) -> go.Scatter:
    at = data.centres
    return go.Scatter(
        x=data.xy[at, 0],
        y=data.xy[at, 1],
        mode="markers",
        name="centres",
        marker={
            **_marks(data, selected),
            "color": [class_colour(int(label)) for label in data.y[at]],
            "line": {"width": 1.2, "color": HALO},
        },
        customdata=np.stack([np.arange(len(at)), data.rows[at]], axis=1),
        hovertemplate="centre %{customdata[0]}, train image %{customdata[1]}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _balls(data: MapData, label: int, selected: int | None) -> go.Scatter:
    """Balls of one class as one trace, parted by gaps; their true radius in the data's own two dimensions."""
    reach, x, y = radii(data), [], []
    for i, at in enumerate(data.centres):
        if data.y[at] == label and reach[i] > 0 and selected in (None, i):
            border = ball(data.norm or "L2", data.xy[at], float(reach[i]))
            x += [*border[:, 0], None]
            y += [*border[:, 1], None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        fill="toself",
        line={"color": class_colour(label), "width": 1},
        opacity=0.35,
        showlegend=False,
        hoverinfo="skip",
    )
