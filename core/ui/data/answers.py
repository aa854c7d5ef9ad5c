"""What a reader may have to say of a source before it can be used: black and white, shape, size, what to leave out."""

from typing import Any

import streamlit as st

from core import api
from core.types import DataConfig, RunRecord
from core.ui import form

NOT_HERE = ("name", "seed", "limit")


def of_source() -> dict[str, Any]:
    """The settings of a source of one's own, folded away until somebody needs them."""
    return form.fields(DataConfig, "data", skip=NOT_HERE)


def to_question(record: RunRecord) -> str:
    """Ask what black and white are where the source does not tell; the answer as `--range` takes it, or ""."""
    found = api.results.DataResult.of(record)
    if not found.asks:
        return ""
    with st.form("data.question"):
        st.markdown(
            "**Which stored values are black and white?** The attack budget ε is a share of the way between them."
        )
        text = st.text_input("Black and white, as low:high", value=str(found.range["proposal"]), key="data.answer")
        return text.strip() if st.form_submit_button("Read it so", type="primary") else ""
