"""The Learn page's component: Play's own files with a course in front of them."""

from typing import Any

import streamlit as st

from core import api
from core.ui.learn import lessons, stored
from core.ui.navigation import ROOT
from core.ui.play.component import APP, FOLDER, MATHS, script

LEARN = ROOT / "assets" / "learn"


def _module() -> str:
    """Play without its door, then the course with its own."""
    play = script(*MATHS, *APP)
    own = "\n".join((LEARN / name).read_text(encoding="utf-8") for name in ("stored.js", "course.js"))
    return play[: play.index("export default")] + own


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    html = "".join(path.read_text(encoding="utf-8") for path in (LEARN / "learn.html", FOLDER / "play.html"))
    css = "\n".join(path.read_text(encoding="utf-8") for path in (FOLDER / "play.css", LEARN / "learn.css"))
    return st.components.v2.component(
        "ballast_learn", html=f'<div class="frame asking">{html}</div>', css=css, js=_module()
    )


def draw(lesson: int, *, present: bool) -> dict[str, Any] | None:
    """Draw the lessons, beginning with the one of that number, counted from 1; returns what is to be opened in the Lab.

    present  large type and no settings, for a projector; arrow keys go to the next and the last lesson
    """
    told = [
        one.model_dump(mode="json", exclude_none=True) | {"stored": stored.told(one.stored) if one.stored else None}
        for one in lessons.read()
    ]
    data = {"toys": api.plane.toys(), "lessons": told, "lesson": lesson, "present": present}
    answer = _component()(key="learn", data=data, on_lab_change=lambda: None)
    return answer.lab
