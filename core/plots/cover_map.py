"""The map of a cover: how many balls hold each image, and which images no ball holds yet.

Built on the map of core.plots.embedding, so that points, centres and true balls look the same everywhere.
"""

import numpy as np
import plotly.graph_objects as go

from core.plots import embedding
from core.plots.palette import GREY, ORANGE, SKY, VERMILLION
from core.types import MapData

LEVELS = (("1 ball", GREY, 4), ("2 balls", SKY, 6), ("3 balls", ORANGE, 7), ("4 or more", VERMILLION, 8))


def solving(data: MapData, classes: tuple[str, ...], uncovered: np.ndarray) -> go.Figure:
    """Centres of the moment; points that no ball holds yet are marked by crosses.

    uncovered  (n,) bool over the points drawn
    """
    figure = embedding.figure(data, classes)
    at = np.flatnonzero(uncovered)
    if len(at):
        mark = {"size": 6, "symbol": "x-thin", "line": {"width": 1.4, "color": VERMILLION}}
        figure.add_trace(
            go.Scatter(
                x=data.xy[at, 0], y=data.xy[at, 1], mode="markers", name="no cover yet", marker=mark, hoverinfo="skip"
            )
        )  # fmt: skip
    return figure


def before(data: MapData, coming: MapData | None = None) -> go.Figure:
    """A cover that is on its way out: its balls, points and centres in grey, the centres of the coming one above.

    coming  the next cover so far, as for `solving`
    """
    figure = embedding.figure(data)
    for trace in figure.data:
        if trace.mode == "lines":
            trace.line.color = trace.fillcolor = GREY
        else:
            trace.update(marker={"color": GREY}, name="before" if trace.name == "centres" else "train images")
            trace.showlegend = trace.name == "before"
            trace.hoverinfo, trace.hovertemplate = "skip", None
    if coming is not None and len(coming.centres):
        at = coming.xy[coming.centres]
        mark = {"size": 9, "symbol": "diamond", "color": SKY, "line": {"width": 1.2, "color": embedding.INK}}
        figure.add_trace(
            go.Scatter(x=at[:, 0], y=at[:, 1], mode="markers", name="centres so far", marker=mark, hoverinfo="skip")
        )
    return figure


def overlap(data: MapData, held: np.ndarray, selected: int | None = None) -> go.Figure:
    """Points by the number of balls that hold them, in the place of their class.

    held      (N,) balls by train row
    selected  row of the condensed set whose members are ringed, or None
    """
    figure = embedding.figure(data, (), selected)
    figure.data = tuple(trace for trace in figure.data if not _of_class(trace))
    counts = np.minimum(held[data.rows], len(LEVELS))
    traces = [_level(data, counts == n, n) for n in range(1, len(LEVELS) + 1) if (counts == n).any()]
    balls = [trace for trace in figure.data if trace.mode == "lines"]
    rest = [trace for trace in figure.data if trace.mode != "lines"]
    return go.Figure(data=[*balls, *traces, *rest], layout=figure.layout)


def _of_class(trace: go.Scatter) -> bool:
    return trace.mode == "markers" and trace.name not in ("members", "centres", None)


def _level(data: MapData, at: np.ndarray, count: int) -> go.Scatter | go.Scattergl:
    name, colour, size = LEVELS[count - 1]
    kind = go.Scattergl if len(data.y) >= embedding.GL_FROM else go.Scatter
    owner = data.owner[at] if len(data.owner) else np.full(int(at.sum()), -1)
    look = {"size": size, "color": colour, "opacity": 0.75}
    return kind(
        x=data.xy[at, 0], y=data.xy[at, 1], mode="markers", name=name, marker=look,
        customdata=np.stack([owner, data.rows[at]], axis=1),
        hovertemplate=f"in {name}<br>train image %{{customdata[1]}}<extra></extra>",
        selected={"marker": {"opacity": 0.75}}, unselected={"marker": {"opacity": 0.75}},
    )  # fmt: skip
