"""What a session remembers of the runs it looks at, so that a poll reads only what is new."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import ENDED, EventRow, MapData, RunRecord
from core.ui import words

EVERY = 1.0  # seconds between two polls of a live run
REFERENCES_S = 2.0  # seconds for which a look at the reference runs is good


def fragment(part: Callable[..., None] | None = None, *, run_every: float | None = None) -> Any:
    """Streamlit's fragment for a part of a page that says in one sentence what is refused while it runs by itself.

    The page that catches what its own run raises is not there when only the part runs again.
    """
    if part is None:
        return functools.partial(fragment, run_every=run_every)

    @functools.wraps(part)
    def guarded(*values: Any, **named: Any) -> None:
        with refusable():
            part(*values, **named)

    return st.fragment(guarded, run_every=run_every)


@contextmanager
def refusable() -> Iterator[None]:
    """Ask for something that may be refused: the sentence stands here, and the rest of the page is drawn as it was."""
    try:
        yield
    except BallastError as error:
        st.error(words.plain(error))


def stop_button(label: str, run_id: str, key: str, help: str | None = None) -> bool:
    """A button that ends a run, for those who may; whether it was pressed."""
    return api.visitors.may_change(api.get(run_id)) and st.button(label, key=key, help=help)


def remember(run_id: str) -> None:
    """Make a run the one in view: in the URL, and for this session when its URL is left and entered again."""
    st.query_params["run"] = st.session_state["live.run"] = run_id


def remembered() -> str | None:
    """The run in view: the URL's, else the last one of this session."""
    run_id = st.query_params.get("run") or st.session_state.get("live.run")
    if run_id and run_id != st.query_params.get("run"):
        st.query_params["run"] = run_id
    st.session_state["live.run"] = run_id
    return run_id


def events(run_id: str) -> list[EventRow]:
    """All events of a run so far; the store is asked only for those after the last one known."""
    memory = st.session_state.setdefault("live.events", {})
    known = memory.setdefault(run_id, [])
    known += api.events(run_id, after=known[-1].seq if known else 0)
    return known


def ended(record: RunRecord) -> bool:
    """Whether a run will not change any more by itself."""
    return record.status in ENDED


def references(record: RunRecord) -> dict[str, RunRecord | None]:
    """The reference runs of a run, looked up every other second only."""
    run_id, moment, found = st.session_state.get("live.references", ("", 0.0, {}))
    if run_id != record.id or time.monotonic() - moment > REFERENCES_S:
        found = api.references(record.config, record.id)
        st.session_state["live.references"] = (record.id, time.monotonic(), found)
    return found


def forget_references() -> None:
    """Look again at once, after references were queued."""
    st.session_state.pop("live.references", None)


def moving(record: RunRecord) -> bool:
    """Whether the run or one of its references still works, so that polling makes sense."""
    others = references(record).values()
    return not ended(record) or any(other is not None and not ended(other) for other in others)


def seen(record: RunRecord) -> None:
    """Note what the whole page was drawn from."""
    st.session_state["live.seen"] = _stamp(record)


def changed(record: RunRecord) -> bool:
    """Whether something outside the live part must be drawn again: the run ended, its map or a reference is there."""
    return st.session_state.get("live.seen") != _stamp(record)


def _stamp(record: RunRecord) -> tuple[str, bool, bool, int]:
    return record.id, ended(record), moving(record), api.map_stamp(record.id)


@st.cache_resource(max_entries=6, show_spinner=False)
def _map(run_id: str, stamp: int) -> MapData | None:
    return api.map_data(run_id) if stamp else None


def map_of(run_id: str) -> MapData | None:
    """The 2-D map of a run, kept until it is laid out better."""
    return _map(run_id, api.map_stamp(run_id))
