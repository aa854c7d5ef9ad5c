"""The pages as data, and a guard for a browser whose first visit is a link to an inner page.

Streamlit looks for a folder named `pages` until `st.navigation` was called once in the server; a link straight to
/runs as the very first visit would then run pages/runs.py without app.py. The guard sends it through app.py.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.types import DataConfig

ROOT = Path(__file__).resolve().parents[2]
LOGO = ROOT / "assets" / "logo.svg"
FLAG = "app.started"
ALONE = ("localhost", "127.0.0.1", "::1")  # addresses of a server that nobody else reaches
ROOTED = "start"  # what Streamlit wants of the page at the empty path, and serves nothing at
SHARED = "BALLAST_SHARED"  # read where links in folders are followed


@dataclass(frozen=True)
class Entry:
    """One page: its file below the project's root, its title and its place in the URL."""

    file: str
    title: str
    url: str


PLAY = Entry("pages/play.py", "Play", "play")
LEARN = Entry("pages/learn.py", "Learn", "learn")
LAB = Entry("pages/lab.py", "Lab", "lab")
DATA = Entry("pages/data.py", "Data", "data")
COVERING = Entry("pages/covering.py", "Covering", "covering")
STUDY = Entry("pages/study.py", "Study", "study")
RUNS = Entry("pages/runs.py", "Runs", "runs")
ATTACK = Entry("pages/attack.py", "Attack", "attack")
AUDIT = Entry("pages/audit.py", "Audit", "audit")
KERNEL = Entry("pages/kernel.py", "Kernel", "kernel")
ENTRIES = (PLAY, LEARN, LAB, DATA, COVERING, ATTACK, AUDIT, KERNEL, STUDY, RUNS)


def page(entry: Entry) -> st.Page:
    """The entry as Streamlit wants it; the first one is what an empty path shows."""
    first = entry is ENTRIES[0]
    return st.Page(ROOT / entry.file, title=entry.title, url_path=ROOTED if first else entry.url, default=first)


def navigate() -> st.Page:
    """Declare the pages and return the one that was asked for."""
    st.session_state[FLAG] = True
    if st.get_option("server.address") not in ALONE:
        os.environ.setdefault(SHARED, "1")  # workers are started from here and know it too
    also = st.Page(ROOT / PLAY.file, title=PLAY.title, url_path=PLAY.url, visibility="hidden")  # /play as well as /
    return st.navigation([*map(page, ENTRIES), also], position="top")


def guard() -> None:
    """First line of every page: start over through app.py when it was skipped."""
    if FLAG not in st.session_state:
        navigate()
        st.rerun()


def open_run(run_id: str) -> None:
    """Show a run in the Lab."""
    st.switch_page(page(LAB), query_params={"run": run_id})


def open_lab(data: DataConfig, **asked: str) -> None:
    """Set up a run on a data set in the Lab, read as it was read here.

    asked  further fields of its form: method="mfc", norm="L2"
    """
    known = {info.name: info.default for info in DataConfig.describe()}
    told = {name: value for name, value in data.model_dump().items() if name in known and value != known[name]}
    query = {
        f"lab.data.{name}": str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in told.items()
    }
    query |= {f"lab.{field}": value for field, value in asked.items()}
    st.switch_page(page(LAB), query_params={"lab.data.name": data.name, **query})
