"""Test images of a run to choose from by looking, before they are attacked."""

import streamlit as st

from core import api
from core.errors import RunError
from core.types import RunRecord
from core.ui import words
from core.ui.attack import plane_view

MOST_SEGMENTS = 12  # classes beside each other; more become a list


@st.cache_resource(max_entries=8, show_spinner=False)
def _tests(data_hash: str, run_id: str) -> dict[str, list[tuple[int, bytes]]]:
    return api.test_images(run_id)


def browse(record: RunRecord) -> None:
    """A few test images of each class, to choose from by looking; a press puts one into the form or takes it out."""
    try:
        found = _tests(record.data_hash, record.id)
    except RunError as error:
        st.caption(words.plain(error))
        return
    chosen = plane_view.numbers(st.session_state.get("attack.rows", ""))
    with st.expander("Choose test images by looking", expanded=not st.query_params.get("job"), key="attack.browse"):
        if not found:
            plane_view.browse(record)
            st.caption(f"A click chooses a test point; chosen: {', '.join(map(str, chosen)) or 'none'}.")
            return
        shown = _class(list(found))
        with st.container(horizontal=True):
            for row, picture in found[shown]:
                with st.container(width=76):
                    st.image(picture, output_format="PNG", width=64, alt=f"Test image {row}, of class {shown}")
                    st.button(
                        str(row), key=f"attack.pick.{row}", on_click=plane_view.toggle, args=(row,), width="stretch",
                        type="primary" if row in chosen else "secondary",
                    )  # fmt: skip
        st.caption(f"Numbers are rows of the test split; chosen: {', '.join(map(str, chosen)) or 'none'}.")


def _class(names: list[str]) -> str:
    if len(names) > MOST_SEGMENTS:
        return st.selectbox("Class", names, key="attack.class")
    return st.segmented_control("Class", names, default=names[0], required=True, key="attack.class")
