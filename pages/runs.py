"""Runs: find, open, compare, rename, download and delete runs."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import form, live, navigation, words
from core.ui.runs import comparing, table

navigation.guard()
PAGE = 200  # runs of one page of the table
st.title("Runs", anchor=False)

try:
    whose, text, status, method = st.columns([2, 2, 3, 2], vertical_alignment="bottom")
    first = "Mine" if api.count() else "Examples"  # a list to look at, also where there is no run yet
    shown = whose.segmented_control(
        "Show", table.SHOWN, default=first, required=True, key="runs.show", bind="query-params", help=table.WHOSE
    )
    wanted = text.text_input(
        "Search", key="runs.text", bind="query-params", placeholder="name, method, data or network"
    )
    states = status.multiselect("Status", list(words.STATUS_COLOURS), key="runs.status", bind="query-params")
    with method:
        methods = form.several(
            "Method", list(api.METHODS), "runs.method", (), titles=api.naming.titles(), help=table.BY
        )

    ships = shown == "Examples"
    total = (api.examples.count if ships else api.count)(status=states, text=wanted, methods=methods)
    pages = -(-total // PAGE)
    page = st.pagination(pages, key="runs.page") if pages > 1 else 1
    skipped = (page - 1) * PAGE
    listed = api.examples.page if ships else api.runs
    found = listed(status=states, text=wanted, methods=methods, limit=PAGE, offset=skipped, damaged=True)
    chosen = table.choose(found) if found else []
    if not found:
        none = "No runs yet: start one in the Lab, or show the examples."
        st.info("No run fits." if wanted or states or methods else none)
    elif not chosen:
        which = f"{len(found)} of {total:,} runs, newest first" if pages > 1 else f"{total} run{'s' * (total != 1)}"
        st.caption(f"{which}. Tick one to open, rename, download or delete it; tick several to compare.")
    elif len(chosen) == 1:
        table.actions(chosen[0])
        table.beside(chosen[0])
    else:
        mine = all(live.ended(r) and api.visitors.may_change(r) and not api.examples.is_one(r.id) for r in chosen)
        if mine and st.button(f"Delete {len(chosen)} runs", key="runs.delete"):
            table.delete(chosen)
        comparing.compare(chosen)
    table.trash()
except BallastError as error:
    st.error(words.plain(error))

with st.expander("Machine", key="runs.machine"):
    if api.cluster.used():
        st.caption(api.cluster.said())
        st.dataframe(api.cluster.nodes(), key="runs.nodes", hide_index=True)
    else:
        st.caption(f"Workers compute on: {api.device()}")
    if api.visitors.current().role == "owner":
        parallel = st.number_input("Runs at the same time", 1, 64, api.parallel(), key="runs.parallel")
        known, help = int(api.patience()), table.PATIENCE
        patience = st.number_input(
            "Seconds without a sign of life", 0, 1_000_000, known, key="runs.patience", help=help
        )
        try:
            if parallel != api.parallel():
                api.set_parallel(parallel)
            if patience != known:
                api.set_patience(patience)
        except BallastError as error:
            st.error(words.plain(error))
