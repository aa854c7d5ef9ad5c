"""Study: compare methods over budgets, seeds, trainings and attack radii, and see what robustness is transferred."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import form, live, navigation, words
from core.ui.study import explore, view

navigation.guard()
START = "Queue every run of this study in a process of its own; it goes on when the browser is closed"


def show(name: str) -> None:
    """One study; it is drawn anew whenever a run of it is done."""
    if api.examples.is_one(name):
        st.caption(api.examples.mark_of_study(name))
    else:
        live.fragment(view.progress, run_every=view.EVERY)(name)
    study, rows = api.study.study(name), api.study.rows(name)
    explore.section(name, study, rows)
    live.fragment(view.results)(name, study, rows)
    with st.container(border=True):
        st.markdown("**Go on or repeat it from the command line**")
        st.code(api.study.command(name), language="bash", wrap_lines=True)


try:
    with st.sidebar:
        place = st.container()
        name, settings = view.settings()
        title = "Continue with these settings" if name in api.study.studies() else "Start the study"
        guest = api.visitors.current().role != "owner"
        begin = place.button(title, key="study.begin", type="primary", width="stretch", help=START, disabled=guest)
    st.title("Study", anchor=False)
    st.caption("Is robustness transferred? The same training and the same attack on every method's condensed set.")
    if begin:
        with live.refusable():
            api.study.begin(name, settings)
            api.study.start(name)
            st.query_params["study"] = name
            st.rerun()
    if known := [*api.study.studies(), *api.examples.studies()]:
        chosen = form.select(
            "Study",
            known,
            "study",
            known[0],
            titles={},
            help="The studies of this home, newest first, then the examples",
        )
        show(chosen)
    else:
        st.info("There is no study yet. Set one up at the left and press *Start the study*.")
except BallastError as error:
    st.error(words.plain(error))
