"""What every page shows of work that is queued or going on: how far it is, and Cancel."""

from collections.abc import Sequence

import streamlit as st

from core import api
from core.types import EventRow
from core.ui import glossary, live, pace


def progress(events: Sequence[EventRow], title: str = "") -> None:
    """The share that is done, with what is being done in words; `title` stands before them."""
    last = events[-1] if events else None
    share = last.done / last.total if last and last.total else 0.0
    said = pace.line(events)
    st.progress(min(share, 1.0), text=f"**{title}** · {said}" if title else said)


def cancel(run_id: str, key: str) -> None:
    """A button that stops a run and draws the page anew, for those who may."""
    if live.stop_button("Cancel", run_id, key, glossary.CANCEL):
        api.cancel(run_id)
        st.rerun()
