"""Runs: find, open, compare, rename, download and delete runs."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import live, navigation, run_table, words

navigation.guard()
st.title("Runs", anchor=False)

text, status, method = st.columns([2, 3, 2], vertical_alignment="bottom")
wanted = text.text_input("Search", key="runs.text", bind="query-params", placeholder="name, method, data or network")
states = status.multiselect("Status", list(words.STATUS_COLOURS), key="runs.status", bind="query-params")
methods = method.multiselect("Method", list(api.METHODS), key="runs.method", bind="query-params")

try:
    found = api.runs(status=states, text=wanted)
    found = [r for r in found if not methods or r.config["method"]["name"] in methods]
    if not found:
        st.info("No run fits." if wanted or states or methods else "No runs yet: start one in the Lab.")
        st.stop()
    chosen = run_table.choose(found)
    if not chosen:
        st.caption(f"{len(found)} runs. Tick one to open, rename, download or delete it; tick several to compare.")
    elif len(chosen) == 1:
        run_table.actions(chosen[0])
    else:
        if all(live.ended(r) for r in chosen) and st.button(f"Delete {len(chosen)} runs", key="runs.delete"):
            run_table.delete(chosen)
        run_table.compare(chosen)
except BallastError as error:
    st.error(str(error))

with st.expander("Machine", key="runs.machine"):
    st.caption(f"Workers compute on: {api.device()}")
    parallel = st.number_input("Runs at the same time", 1, 64, api.parallel(), key="runs.parallel")
    if parallel != api.parallel():
        api.set_parallel(parallel)
