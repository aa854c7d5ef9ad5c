"""Buttons that write what a paper needs; nothing is made before one is pressed."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from core import api
from core.plots.chart import Chart
from core.ui import saving

TITLES: dict[api.paper.Form, str] = {
    "latex": "LaTeX table", "markdown": "Markdown table", "bibtex": "BibTeX", "methods": "Method in words",
    "html": "Report (HTML)",
}  # fmt: skip
FIGURES = {"svg": "image/svg+xml", "pdf": "application/pdf"}


def of_study(name: str, eps: float, figure: Chart, key: str) -> None:
    """Everything of a study at one attack radius, with its figure at the width of a column."""

    def write(form: api.paper.Form) -> str:
        pictures = []
        if form == "html":
            picture = saving.to_svg(figure)
            pictures = [api.paper.Picture(content=picture, kind="image/svg+xml", alt=figure.alt)]
        return api.paper.of_study(name, form, eps, pictures)

    with _place(key):
        _texts(write, f"study-{name}-eps-{eps:.4g}", key)
        for ending, mime in FIGURES.items():
            st.download_button(
                f"Figure ({ending.upper()})", partial(saving.column, figure, ending), f"study-{name}.{ending}", mime,
                key=f"{key}.{ending}", on_click="ignore", width="stretch",
                help="At the width of a column, 3.3 inches",
            )  # fmt: skip
        st.download_button(
            "Bundle to do it again (ZIP)", partial(api.study.export, name), f"study-{name}.zip", "application/zip",
            key=f"{key}.bundle", on_click="ignore", width="stretch",
            help="Settings and all numbers; `python -m core reproduce FILE` does it again and compares",
        )  # fmt: skip


def of_runs(run_ids: Sequence[str], key: str) -> None:
    """Everything of finished runs."""
    with _place(key):
        _texts(lambda form: api.paper.of_runs(run_ids, form), f"runs-{run_ids[0]}", key)


def _place(key: str) -> st.delta_generator.DeltaGenerator:
    return st.popover("For a paper", icon=":material/article:", key=key)


def _texts(write: Callable[[api.paper.Form], str], file: str, key: str) -> None:
    for form, title in TITLES.items():
        st.download_button(
            title, partial(write, form), f"{file}.{api.paper.ENDINGS[form]}", "text/plain", key=f"{key}.{form}",
            on_click="ignore", width="stretch",
        )  # fmt: skip
