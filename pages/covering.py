"""Covering: solve covers while a slider moves, and see what they prove."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord
from core.ui import covering_form, covering_map, covering_proof, covering_view, live, navigation
from core.ui.covering_form import Chosen

navigation.guard()
COVER = "Solve this cover; on small data a moved slider does it at once"


def show(record: RunRecord, chosen: Chosen) -> None:
    """Everything known of one cover."""
    record, found = api.covering.settle(record.id), api.covering.cover(record.id)
    if found is None:
        if live.ended(record):
            st.warning(record.error or f"The solve was {record.status} before there was a cover to keep.")
        else:
            covering_view.solving(record.id)
        return
    covering_view.card(found)
    if not live.ended(record):
        covering_view.waiting(record.id)
    classes = tuple(found["classes"])
    covering_map.view(record, classes)
    left, right = st.columns(2)
    with left:
        covering_proof.curve(chosen)
    with right:
        covering_proof.spread(record, found, chosen.eps)
    left, right = st.columns(2)
    with left:
        covering_view.verdict(record, found, chosen.eps)
    if record.status == "done":
        with right:
            covering_proof.bound(record, chosen)
        covering_proof.gallery(record, classes)
        covering_proof.rivals(record, classes)


try:
    with st.sidebar:
        place = st.container()
        data = covering_form.data()
        described = covering_form.ready(data)
        chosen = covering_form.settings(data, described) if described is not None else None
        go = place.button("Cover", key="covering.go", type="primary", width="stretch", help=COVER, disabled=not chosen)
    st.title("Covering", anchor=False)
    if chosen is not None:
        record = covering_view.current(chosen, go)
        if record is None:
            st.info(f"{chosen.data.result['train_images']:,} train images: press *Cover* to solve this cover.")
            covering_proof.curve(chosen)
        else:
            show(record, chosen)
        covering_view.repeat(chosen.config)
except BallastError as error:
    st.error(str(error))
