"""What a session remembers of the runs it looks at, so that a poll reads only what is new."""

import streamlit as st

from core import api
from core.types import ENDED, EventRow, MapData, RunRecord

EVERY = 0.5  # seconds between two polls of a live run


def events(run_id: str) -> list[EventRow]:
    """All events of a run so far; the store is asked only for those after the last one known."""
    memory = st.session_state.setdefault("live.events", {})
    known = memory.setdefault(run_id, [])
    known += api.events(run_id, after=known[-1].seq if known else 0)
    return known


def ended(record: RunRecord) -> bool:
    """Whether a run will not change any more by itself."""
    return record.status in ENDED


@st.cache_resource(max_entries=6, show_spinner=False)
def _map(run_id: str) -> MapData | None:
    return api.map_data(run_id)


def map_of(run_id: str) -> MapData | None:
    """The 2-D map of a run, kept once it exists."""
    found = _map(run_id)
    if found is None:
        _map.clear(run_id)
    return found
