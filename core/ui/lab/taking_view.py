"""Take the condensed set or the network of a finished run elsewhere, with the lines that load it there."""

from functools import partial

import streamlit as st

from core import api
from core.types import RunRecord
from core.ui import form, words

HELP = "In which form it is written; nothing is before the button is pressed"


def view(record: RunRecord) -> None:
    """A box with one form at a time: what it holds, the file, and the Python that loads it."""
    forms = api.taking.forms(record.id)
    if not forms:
        return
    with st.container(border=True):
        st.markdown("**Take it elsewhere**")
        chosen = form.segments("Form", list(forms), "lab.take", next(iter(forms)), titles=api.taking.TITLES, help=HELP)
        st.caption(api.taking.ABOUT[chosen])
        if sentence := forms[chosen]:
            st.warning(words.plain(sentence))
            return
        name = f"{record.id}{api.taking.SUFFIXES[chosen]}"
        st.download_button(
            f"Download {name}", partial(api.taking.content, record.id, chosen), name, "application/octet-stream",
            key="lab.take.file", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        st.code(api.taking.snippet(chosen, name), language="python", wrap_lines=True)
