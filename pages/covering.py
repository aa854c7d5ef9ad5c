"""Covering: solve covers while a slider moves, and see what they prove."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord
from core.ui import live, navigation, style, words
from core.ui.covering import form, proof, view
from core.ui.covering.form import Chosen

navigation.guard()
COVER = "Solve this cover; on small data a moved slider does it at once"


def show(record: RunRecord, chosen: Chosen) -> None:
    """Everything known of one cover; until it is there, the cover before stays on the page in grey."""
    record, found = api.covering.settle(record.id), api.covering.cover(record.id)
    if found is None and live.ended(record):
        st.warning(words.plain(record.error) or f"The solve was {record.status} before there was a cover to keep.")
        return
    before = view.before(record)
    live.fragment(view.head, run_every=view.every(record))(record.id, before)
    whole = record if live.ended(record) else before
    if whole is not None and (shown := api.covering.cover(whole.id)) is not None:
        around(whole, shown, chosen, grey=whole is before)
    else:
        proof.curve(chosen)


def around(record: RunRecord, found: api.results.CoverResult, chosen: Chosen, *, grey: bool) -> None:
    """What a cover says and how it compares, as far as it was measured; grey where the next one is on its way.

    Its container stays the same one: another key would draw every figure anew, and the page would shrink meanwhile.
    """
    style.greyed("covering.around", grey)
    with st.container(key="covering.around"):
        left, right = st.columns(2)
        with left:
            proof.curve(chosen)
        with right:
            proof.spread(record, found, chosen.eps)
        left, right = st.columns(2)
        with left:
            view.verdict(record, found, chosen.eps)
        if record.status == "done":  # else the rest was left out, and has none of these
            if not grey:  # its budget is in the norm of the next one
                with right:
                    proof.bound(record, chosen)
            proof.gallery(record, found.classes)
            proof.rivals(record, found.classes)


try:
    with st.sidebar:
        place = st.container()
        data = form.data()
        described = form.ready(data)
        chosen = form.settings(data, described) if described is not None else None
        go = place.button("Cover", key="covering.go", type="primary", width="stretch", help=COVER, disabled=not chosen)
    st.title("Covering", anchor=False)
    if chosen is not None:
        record = view.current(chosen, go)
        if record is None:
            st.info(f"{chosen.found.train_images:,} train images: press *Cover* to solve this cover.")
            proof.curve(chosen)
        else:
            show(record, chosen)
        view.repeat(chosen.config)
except BallastError as error:
    st.error(words.plain(error))
