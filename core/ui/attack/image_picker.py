"""Test images of a run to choose from by looking, before they are attacked."""

import streamlit as st

from core import api
from core.errors import RunError
from core.types import RunRecord
from core.ui import tiles, words
from core.ui.attack import plane_view


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
        shown = tiles.of_class(list(found), "attack.class")
        offered = [
            tiles.Tile(row=row, value=row, picture=picture, alt=f"Test image {row}, of class {shown}")
            for row, picture in found[shown]
        ]
        tiles.draw(offered, "attack.pick", chosen, plane_view.toggle)
        st.caption(f"Numbers are rows of the test split; chosen: {', '.join(map(str, chosen)) or 'none'}.")
