"""The Play page's component: its JavaScript is a handful of files under assets/play, joined in order when loaded.

Everything it computes is in the browser; Python gives it the toys' points and takes what is to be opened in the Lab.
"""

from typing import Any

import streamlit as st

from core import api
from core.ui.navigation import ROOT

FOLDER = ROOT / "assets" / "play"
# mathematics first, each file needing only those before it; then the app
MATHS = ("attack", "kernel", "cover", "nearest", "network", "learn", "measure", "state", "condense", "fit")
APP = ("surface", "plane", "controls", "panel", "pointer", "main", "frames", "editing", "sharing", "showing")


def script(*names: str) -> str:
    """The text of some of the files, as one module."""
    return "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in names)


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html, css = ((FOLDER / f"play.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return st.components.v2.component("ballast_play", html=html, css=css, js=script(*MATHS, *APP))


def draw() -> dict[str, Any] | None:
    """Draw Play; returns its settings and points when the reader asks to open them in the Lab."""
    answer = _component()(key="play", data={"toys": api.plane.toys()}, on_lab_change=lambda: None)
    return answer.lab
