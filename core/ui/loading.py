"""A data set while it loads."""

import streamlit as st

from core.types import RunRecord
from core.ui import bar, live, words


def progress(record: RunRecord) -> None:
    """A bar with what is going on, and a button to stop."""
    told = live.events(record.id)
    last = told[-1] if told else None
    with st.container(horizontal=True, vertical_alignment="center"):
        bar.progress(told)
        bar.cancel(record.id, "data.cancel")
    if last and last.note:
        st.caption(words.plain(last.note, 200))
