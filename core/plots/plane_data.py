"""Data of two numbers as a scatter: train points filled, test points hollow, classes by colour and symbol."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.plots import classifier
from core.plots.palette import class_colour, class_symbol

Points = tuple[np.ndarray, np.ndarray, np.ndarray]  # rows (n,), places (n, 2), labels (n,)


def figure(train: Points, test: Points, classes: Sequence[str], cells: np.ndarray | None = None) -> go.Figure:
    """Both splits in the plane; `customdata` of a test point is its row in the test split.

    cells  class regions of a network as `core.jobs.plane` stores them, None for none
    """
    figure = classifier.plain()
    if cells is not None:
        figure.add_trace(classifier.regions(cells, len(classes)))
    for split, hollow in ((train, False), (test, True)):
        for label, name in enumerate(classes):
            at = split[2] == label
            if at.any():
                figure.add_trace(_points(split[0][at], split[1][at], label, name, hollow))
    return figure


def alt(train: Points, test: Points, classes: Sequence[str]) -> str:
    """What there is to see."""
    return f"{len(train[2])} train points and {len(test[2])} test points of {len(classes)} classes in the plane"


def _points(rows: np.ndarray, xy: np.ndarray, label: int, name: str, hollow: bool) -> go.Scatter:
    split, symbol, colour = "test" if hollow else "train", class_symbol(label), class_colour(label)
    marker = {
        "symbol": f"{symbol}-open" if hollow else symbol, "color": colour, "size": 9 if hollow else 5,
        "line": {"width": 1.6 if hollow else 0},
    }  # fmt: skip
    return go.Scatter(
        x=xy[:, 0], y=xy[:, 1], mode="markers", name=f"{name}, {split}", marker=marker, customdata=rows[:, None],
        hovertemplate=f"{name}<br>{split} point %{{customdata[0]}}<extra></extra>",
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
    )  # fmt: skip
