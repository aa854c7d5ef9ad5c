"""What the Lab shows before a run is chosen: what will happen, and the latest runs."""

import streamlit as st

from core import api
from core.ui import naming, navigation, words

STEPS = (
    ("1 · Condense", "A method picks or learns a few images per class that stand for the whole train split."),
    ("2 · Train", "A network learns from those few images alone, with or without attacked copies of them."),
    ("3 · Attack", "PGD changes test images within the budget ε. What is still right is the robust accuracy."),
    ("4 · Compare", "Random images of the same number and the full data are the bar that every method has to beat."),
)


def view() -> None:
    """A short introduction, ready to press Run."""
    st.title("How much robustness survives in a few images?", anchor=False)
    st.markdown(
        "Choose data, a budget and a method at the left, then press **Run**. The settings are ready for the 8×8 "
        "digits, which need no download."
    )
    with st.container(key="lab.steps.last"):
        for column, (title, text) in zip(st.columns(len(STEPS)), STEPS, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{title}**")
                st.markdown(text)
    _latest()


def _latest() -> None:
    latest = api.runs(limit=5)
    if not latest:
        return
    st.header("Latest runs", anchor=False)
    for record in latest:
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(naming.title(record), key=f"lab.open.{record.id}", type="tertiary"):
                navigation.open_run(record.id)
            st.badge(record.status, color=words.STATUS_COLOURS[record.status])
            st.caption(naming.summary(record), width="content")
