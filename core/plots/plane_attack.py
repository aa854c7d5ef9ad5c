"""One point of the plane under attack: class regions, its budget, its way so far, and where it stands at a moment."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from core.plots import classifier
from core.plots.embedding import ball
from core.plots.palette import class_colour, class_symbol

MARGIN = 1.6  # half the width of the window, in multiples of how far the point may go or goes
LEAST = 0.06  # least half width of the window


def figure(
    way: np.ndarray, now: int, label: int, flips: bool, classes: Sequence[str], *,
    norm: str, eps: float | None, cells: np.ndarray | None = None,
) -> go.Figure:  # fmt: skip
    """The window of the plane around a clean point, with its way up to moment `now` drawn in full.

    way    (T, 2) the point at every moment, the clean one first
    label  its true class; flips: whether the network names another one at this moment
    eps    the budget whose shape is drawn, None where the attack had none
    cells  class regions as `core.jobs.plane` stores them, None where there are none
    """
    figure = classifier.plain()
    if cells is not None:
        figure.add_trace(classifier.regions(cells, len(classes)))
    if eps:
        figure.add_trace(
            classifier.lines(ball(norm, way[0], eps), f"budget ε ({norm})", {"width": 1.6, "color": classifier.WAY})
        )
    rest = {"width": 1.2, "dash": "dot", "color": classifier.WAY}
    figure.add_trace(classifier.lines(way[now:], "way from here", rest))
    figure.add_trace(classifier.lines(way[: now + 1], "way so far", {"width": 2, "color": classifier.WAY}))
    symbol, colour = class_symbol(label), class_colour(label)
    figure.add_trace(classifier.points(way[:1], f"clean, {classes[label]}", symbol, colour, 12))
    mark, told = ("x", "now, flipped") if flips else (symbol, "now")
    figure.add_trace(classifier.points(way[now : now + 1], told, mark, classifier.FLIP if flips else colour, 13))
    reach = MARGIN * max(float(np.abs(way - way[0]).max()), eps or 0.0)
    half = max(reach, LEAST)
    x, y = (float(value) for value in way[0])
    figure.update_layout(
        xaxis={"range": [x - half, x + half]}, yaxis={"range": [y - half, y + half]}, uirevision="plane-attack"
    )
    return figure


def all_points(
    frames: np.ndarray, attacked: np.ndarray, y: np.ndarray, before: np.ndarray, after: np.ndarray, *,
    norm: str, eps: float | None, cells: np.ndarray | None = None,
) -> Mapping[str, np.ndarray]:  # fmt: skip
    """The arrays that `classifier.figure` draws, of an attack on a few points.

    frames    (n, T, 2) every point at every moment; attacked (n, 2) where each ended
    before, after  (n,) the network's answers to the clean and to the attacked point
    """
    found = {
        "clean": frames[:, 0], "attacked": attacked, "y": y, "before": before, "after": after, "norm": np.array(norm),
        "eps": np.array(eps or 0.0),
    }  # fmt: skip
    return found if cells is None else {**found, "cells": cells}
