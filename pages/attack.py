"""Attack: watch adversarial images of a run's own test images form, step by step."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.ui import bring_network, live, navigation, run_picker, words
from core.ui.attack import image_picker, view

navigation.guard()
FOLLOW = "Attack again whenever a setting changes; earlier settings are found again at once"


def start(run_id: str, config: dict) -> None:
    """Attack with these settings and show it; an attack that is no longer wanted is stopped."""
    before = st.query_params.get("job")
    job = api.submit_attack(run_id, config)
    if before and before != job and st.session_state.get("attack.mine") == before:
        view.stop(before)
    st.query_params["job"] = st.session_state["attack.mine"] = job


def show(job: str) -> None:
    """An attack while it works, or what it found."""
    record = api.get(job)
    if not live.ended(record):
        view.waiting(job)
    elif record.status == "done":
        view.head(record)
        with st.container(key=f"attack.whole.{job}"):
            with st.container(key=f"attack.numbers.{job}"):
                view.numbers(record)
            with st.container(key=f"attack.{job}.pictures"):
                view.sheet(record)
        view.one(record)
    else:
        st.warning(words.plain(record.error) or f"This attack was {record.status}: press Attack to try again.")


try:
    with st.sidebar:
        record = run_picker.run("attack")
        if record is not None:
            pressed = st.button("Attack", key="attack.go", type="primary", width="stretch")
            config = view.settings(record)
            follow = st.toggle("Follow the settings", True, key="attack.follow", bind="query-params", help=FOLLOW)
            wanted = (record.id, config)
            known = st.session_state.get("attack.wanted")
    st.title("Attack", anchor=False)
    if record is not None and (pressed or (follow and known is not None and known != wanted)):
        with live.refusable():
            start(*wanted)
            st.session_state["attack.wanted"] = wanted
    if record is None:
        st.info("There is no model to attack yet: a finished run of the Lab has one.")
        st.page_link(navigation.page(navigation.LAB), label="Open the Lab")
    elif job := st.query_params.get("job"):
        show(job)
        image_picker.browse(record)
    else:
        st.markdown(view.WELCOME)
        if api.examples.is_one(record.id):
            for found in api.examples.attacks(record.id):
                st.caption(api.examples.mark(found))
                show(found.id)
        image_picker.browse(record)
    bring_network.box("attack")
except BallastError as error:
    st.error(words.plain(error))
