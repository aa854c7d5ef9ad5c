"""Lab: set up a run, start it, and watch the condensed images, the covering and the accuracies."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import live, map_view, navigation, run_view, setup, welcome

navigation.guard()


def form() -> None:
    """The settings with the button that starts them."""
    start = st.button("Run", key="lab.run", type="primary", width="stretch")
    config = setup.settings()
    if start:
        live.remember(api.submit(config))
        st.session_state.pop("lab.centre", None)


def watch(run_id: str) -> None:
    """The part that changes while the run works; the whole page runs once more when it ends."""
    record = api.get(run_id)
    run_view.head(record)
    run_view.progress(record)
    with st.container():
        if record.status == "done":
            run_view.results(record)
    left, right = st.columns([2, 3])
    with left:
        run_view.mosaic(record)
    with right:
        run_view.accuracies(record)
    if live.changed(record):
        st.rerun()


def show(run_id: str) -> None:
    """Everything there is to see of one run."""
    record = api.get(run_id)
    live.seen(record)
    st.fragment(watch, run_every=live.EVERY if live.moving(record) else None)(run_id)
    map_view.view(record)
    if record.status == "done":
        run_view.after(record)
    run_view.repeat(record)


try:
    with st.sidebar:
        form()
    if run_id := live.remembered():
        show(run_id)
    else:
        welcome.view()
except BallastError as error:
    st.error(str(error))
