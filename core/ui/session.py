"""Who a session belongs to, asked before anything of a page is drawn."""

import streamlit as st

from core import api
from core.errors import AccessError, BallastError
from core.types import Visitor

STRANGER = (
    "This server does not let you in: open the link that its owner gave you. To share a server of your own, start it "
    "with `python run.py start --share`."
)


def visitor() -> Visitor:
    """Who draws this page.

    raises  AccessError for nobody: no valid cookie on a shared server, another machine or a foreign name on any
    """
    host, origin = st.context.headers.get("Host"), st.context.headers.get("Origin")
    if host is not None:  # every browser sends one; a test of a page without a server does not
        ours = api.access.answers_to(host) and api.access.same_origin(origin, host)
        if not ours or not (api.access.shared() or api.access.is_near(st.context.ip_address)):
            raise AccessError(STRANGER)
    found = api.access.visitor(st.context.cookies, api.home())
    if found is None:
        raise AccessError(STRANGER)
    return found


def admit() -> None:
    """Let the api know who asks, and end the script here for somebody who may not come in."""
    api.visitors.ask(visitor)
    try:
        if api.access.shared():
            st.set_option("client.showErrorDetails", "none")
        visitor()
    except BallastError as error:
        st.error(str(error))
        st.stop()


def greet() -> None:
    """Tell guests what they may do."""
    if api.visitors.current().role == "guest":
        most = api.visitors.limits()
        st.caption(
            f"You are a guest of this server: {most.runs} runs at a time, {most.minutes} minutes each; "
            "others' runs are for reading."
        )
