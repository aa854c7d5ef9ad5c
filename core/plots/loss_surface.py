"""The loss on a plane through one image: along its gradient and along a random direction of the same length.

Source: Li et al. 2018, arXiv:1712.09913. Every cell was computed; nothing is interpolated but the boundary line.
"""

import numpy as np
import plotly.graph_objects as go

from core.plots.palette import GREY

INK, PAPER, CLEAR = "#101418", "#FFFFFF", "rgba(0,0,0,0)"


def figure(side: np.ndarray, loss: np.ndarray, margin: np.ndarray, what: str, unit: str) -> go.Figure:
    """A map of the loss with the decision boundary.

    side    (g,) multiples of `unit` along both axes
    loss    (g, g) at side[j] along the gradient (x) and side[i] along the random direction (y)
    margin  (g, g) > 0 where the model is wrong
    what    name of the loss; unit as "ε = 0.1 (Linf)"
    """
    figure = go.Figure()
    figure.add_trace(
        go.Heatmap(
            x=side, y=side, z=loss, colorscale="Cividis", name=what, showscale=True,
            colorbar={"title": {"text": what, "side": "right"}, "thickness": 12, "len": 0.9},
            hovertemplate=f"gradient %{{x:.2f}}, random %{{y:.2f}}<br>{what} %{{z:.4g}}<extra></extra>",
        )
    )  # fmt: skip
    if (margin > 0).any() and (margin <= 0).any():
        figure.add_trace(_boundary(side, margin, INK, 5))
        figure.add_trace(_boundary(side, margin, PAPER, 2))
        line = {"color": GREY, "width": 3}  # a contour without fill has no sign of its own in the legend
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name="decision boundary", line=line))
    marks = (("clean image", 0, "circle"), ("one full step uphill", 1, "triangle-right"))
    for name, x, symbol in marks:
        look = {"symbol": symbol, "size": 13, "color": PAPER, "line": {"color": INK, "width": 2}}
        figure.add_trace(
            go.Scatter(x=[x], y=[0], mode="markers", name=name, marker=look, hovertemplate=f"{name}<extra></extra>")
        )
    figure.update_layout(
        height=410, margin={"l": 0, "r": 0, "t": 8, "b": 0}, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": -0.22, "x": 0}, dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(title=f"along the gradient, in {unit}", showgrid=False, zeroline=False)
    figure.update_yaxes(title="along a random direction", showgrid=False, zeroline=False)
    return figure


def _boundary(side: np.ndarray, margin: np.ndarray, colour: str, width: float) -> go.Contour:
    """Where right turns into wrong, as one line."""
    return go.Contour(
        x=side, y=side, z=margin, showscale=False, hoverinfo="skip", name="decision boundary",
        showlegend=False, colorscale=[[0, colour], [1, colour]],
        contours={"start": 0, "end": 0, "size": 1, "coloring": "none"}, line={"color": colour, "width": width},
    )  # fmt: skip
