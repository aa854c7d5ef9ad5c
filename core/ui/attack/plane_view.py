"""An attack on points of the plane: all of them over the class regions, one with its way, and points to choose from."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from core import api
from core.errors import RunError
from core.plots import classifier, plane_attack, plane_data
from core.types import RunRecord
from core.ui.chart import plotly

HOW = "Regions are the classes the network gives; shapes are the budget ε; lines go to where the attack ended."


def in_plane(record: RunRecord) -> bool:
    """Whether what was attacked are points of two numbers."""
    return int(np.prod(api.results.AttackResult.of(record).shape)) == 2


def overview(record: RunRecord, found: Any) -> None:
    """Every point that was attacked, with its budget and where it ended."""
    about, at = api.results.AttackResult.of(record), np.arange(len(found.rows))
    answers = found.probability.argmax(-1)
    arrays = plane_attack.all_points(
        found.frames.reshape(*found.frames.shape[:2], 2), found.attacked.reshape(-1, 2), found.y, answers[:, 0],
        answers[at, found.best], **_terms(record),
    )  # fmt: skip
    with st.container(border=True):
        st.markdown("**The attack in the plane**")
        st.plotly_chart(
            classifier.figure(arrays, about.classes), key="attack.plane", on_select="ignore",
            config=plotly(f"{record.id}-plane"), alt=classifier.alt(arrays),
        )  # fmt: skip
        st.caption(f"{HOW} Crosses are points that it flipped.{_without(record)}")


def one(record: RunRecord, found: Any, image: int, now: int) -> None:
    """The window around one point, with its way up to the moment in view."""
    classes, way = api.results.AttackResult.of(record).classes, found.frames[image].reshape(-1, 2)
    label, answer = int(found.y[image]), int(found.probability[image, now].argmax())
    figure = plane_attack.figure(way, now, label, answer != label, classes, **_terms(record))
    alt = f"Test point {found.rows[image]} of class {classes[label]} on its way: the network now says {classes[answer]}"
    st.plotly_chart(
        figure, key="attack.way", on_select="ignore", config=plotly(f"{record.id}-way-{found.rows[image]}"), alt=alt
    )


def browse(record: RunRecord) -> None:
    """Test points over the class regions; a click puts one into the form or takes it out."""
    points = api.plane.of_record(record.id)
    if points is None:
        return
    train, test = points
    shown = plane_data.figure(
        (train[0][:0], train[1][:0], train[2][:0]), test, api.results.RunResult.of(record).classes, _cells(record.id)
    )
    chosen = "-".join(map(str, numbers(st.session_state.get("attack.rows", ""))))
    key = f"attack.points.{chosen}"  # another one for each choice: a second click on a point is a new selection
    st.plotly_chart(
        shown, key=key, on_select=partial(_clicked, key), selection_mode="points", config=plotly(f"{record.id}-points"),
        alt=f"{len(test[2])} test points to choose from, over the class regions of the network",
    )  # fmt: skip


def _clicked(key: str) -> None:
    """Put the clicked test point among those to attack, or take it out."""
    picked = st.session_state[key].selection.points
    if picked:
        toggle(int(picked[0]["customdata"]["0"]))


def toggle(row: int) -> None:
    """Put a row of the test split among those to attack, or take it out."""
    chosen = numbers(st.session_state.get("attack.rows", ""))
    chosen = [one for one in chosen if one != row] if row in chosen else [*chosen, row]
    st.session_state["attack.rows"] = ", ".join(map(str, chosen))


def numbers(text: str) -> list[int]:
    """Rows in a text of the form; what is no number is left to the form to refuse."""
    return [int(part) for part in text.replace(" ", ",").split(",") if part.isdigit()]


def _terms(record: RunRecord) -> Mapping[str, Any]:
    config = record.config["attack"]
    eps = None if config["attack"] in api.MINIMAL_NORM else config["eps"]
    return {"norm": config["norm"], "eps": eps, "cells": _cells(api.results.AttackResult.of(record).model_run)}


def _cells(run_id: str) -> np.ndarray | None:
    """The class regions that a run left; None where it left none, or is not here any more."""
    try:
        found = api.classifier(run_id)
    except RunError:
        return None
    return None if found is None else found["cells"]


def _without(record: RunRecord) -> str:
    there = _cells(api.results.AttackResult.of(record).model_run) is not None
    return "" if there else " The run left no class regions: run it again to see them."
