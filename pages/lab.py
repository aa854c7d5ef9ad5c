"""Lab: set up a run, start it, and watch the condensed images, the covering and the accuracies."""

from typing import Any

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import bring_network, live, navigation, words
from core.ui.lab import bring_view, explained, map_view, nearest, plane_view, run_view, setup, taking_view, welcome

navigation.guard()


def form() -> tuple[dict[str, Any], bool]:
    """The settings, and whether the button that starts them was pressed."""
    start = st.button("Run", key="lab.run", type="primary", width="stretch")
    return setup.settings(), start


def submit(config: dict[str, Any]) -> None:
    """Queue a run and look at it."""
    with live.refusable():
        live.remember(api.submit(config))
        st.session_state.pop("lab.centre", None)


def watch(run_id: str) -> None:
    """The part that changes while the run works; the whole page runs once more when it ends."""
    record = api.get(run_id)
    run_view.head(record)
    run_view.progress(record)
    with st.container(key="lab.whole"):
        with st.container(key="lab.numbers"):
            if (known := api.so_far(record)).result:
                run_view.results(known)
            if record.status == "done":
                nearest.results(record)
        with st.container(key="lab.pictures"):
            left, right = st.columns([2, 3])
            with left:
                run_view.mosaic(record)
            with right:
                run_view.accuracies(record)
    if live.changed(record):
        st.rerun()


def show(run_id: str, asked: tuple[str, float]) -> None:
    """Everything there is to see of one run; its curve is read at the budget asked for."""
    record = api.get(run_id)
    if record.damaged:
        st.error(words.plain(record.error))
        return
    live.seen(record)
    live.fragment(watch, run_every=live.EVERY if live.moving(record) else None)(run_id)
    plane_view.view(record)
    if record.status == "done":
        plane_view.proven(record, asked)
    map_view.view(record)
    if record.status == "done":
        run_view.after(record, asked)
        nearest.curve(record)
        explained.view(record)
        taking_view.view(record)
    run_view.repeat(record)


try:
    with st.sidebar:
        config, start = form()
    if start:
        submit(config)
    asked = config["evaluation"]["norm"], config["evaluation"]["eps"]
    if config["method"]["name"] == bring_view.METHOD:
        bring_view.view(config)
    if run_id := live.remembered():
        show(run_id, asked)
    else:
        welcome.view()
        for record in api.examples.runs()[:1]:
            st.header("A finished run to look at", anchor=False)
            show(record.id, asked)
    bring_network.box("lab")
except BallastError as error:
    st.error(words.plain(error))
