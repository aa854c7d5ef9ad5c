"""Lab: set up a run, start it, and watch the condensed images, the covering and the accuracies."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import live, map_view, navigation, run_view, setup, welcome

navigation.guard()

with st.sidebar:
    start = st.button("Run", key="lab.run", type="primary", width="stretch")
    config = setup.settings()
    if start:
        try:
            st.query_params["run"] = api.submit(config)
        except BallastError as error:
            st.error(str(error))


@st.fragment(run_every=live.EVERY)
def watch(run_id: str) -> None:
    record = api.get(run_id)
    run_view.head(record)
    run_view.progress(record)
    left, right = st.columns([2, 3])
    with left:
        run_view.mosaic(record)
    with right:
        run_view.accuracies(record)
    if live.ended(record):
        st.rerun()


run_id = st.query_params.get("run")
if run_id:
    record = api.get(run_id)
    if live.ended(record):
        run_view.head(record)
        run_view.progress(record)
        run_view.results(record)
        left, right = st.columns([2, 3])
        with left:
            run_view.mosaic(record)
        with right:
            run_view.accuracies(record)
    else:
        watch(run_id)
    map_view.view(record)
    if record.status == "done":
        run_view.after(record)
    st.code(api.command(record.config), language="bash", wrap_lines=True)
else:
    welcome.view()
