"""Several runs beside each other: numbers with intervals, the settings that differ, and their curves.

In all figures colour tells the method and the dash the training, as on the Study page; runs that share both differ by
the shape of their marks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import curves, eps_compare
from core.plots.palette import Look, looks
from core.types import RunRecord
from core.types.spreadsheet import cell
from core.ui import live, naming, paper, words
from core.ui.chart import draw, headings

MOST = 7  # runs beside each other
LOOKS = "colour tells the method, the dash the training; runs that share both differ by their marks"


def compare(records: Sequence[RunRecord]) -> None:
    """Everything there is to compare of several runs."""
    if len(records) > MOST:
        st.caption(f"The first {MOST} of {len(records)} chosen runs are compared.")
    titles = naming.distinct([naming.called(record) for record in records[:MOST]])
    shown = dict(zip(titles, records, strict=False))
    look = looks({name: (_choice(run, "method"), _choice(run, "training")) for name, run in shown.items()})
    with st.container(border=True):
        st.markdown("**Accuracies**, with 95 % intervals")
        _numbers(shown)
        _paired(shown)
    with st.container(border=True):
        _settings(shown)
    _budgets(shown, look)
    _epochs(shown, look)
    if ended := [record.id for record in records if judged(record)]:
        paper.of_runs(ended, "runs.compare.paper")


def judged(record: RunRecord) -> bool:
    """Whether a run has its robust accuracy."""
    return record.status == "done" and api.results.RunResult.of(record).robust_acc is not None


def _choice(record: RunRecord, section: str) -> str:
    found: str = record.config.get(section, {}).get("name", "")
    return found


def _numbers(shown: Mapping[str, RunRecord]) -> None:
    found = {name: api.results.RunResult.of(record) for name, record in shown.items()}
    columns: dict[str, list[Any]] = {"Run": [cell(name) for name in shown]}
    for title, what, interval in (("Clean", "clean_acc", "clean_interval"), ("Robust", "robust_acc", "interval")):
        columns[f"{title} %"] = [_percent(getattr(one, what)) for one in found.values()]
        columns[f"{title}, 95 %"] = [
            words.between(getattr(one, interval)).removeprefix("95 %: ") for one in found.values()
        ]
    columns["Attack"] = [
        words.conditions(found[name]) or record.status for name, record in shown.items()
    ]  # fmt: skip
    columns["Audit"] = [api.audit_state(record.id) for record in shown.values()]
    st.dataframe(
        pa.table(columns), hide_index=True, key="runs.compare.numbers", column_config=headings(columns),
        alt="Accuracies of the chosen runs",
    )  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _settings(shown: Mapping[str, RunRecord]) -> None:
    """Only the settings that differ; a run without one has a dash there."""
    differ = api.differing([record.config for record in shown.values()])
    found = dict(sorted(differ.items(), key=lambda row: None in row[1]))  # those that every run has come first
    if not found:
        st.markdown("**Settings**: no setting differs.")
        return
    st.markdown(f"**The {len(found)} settings that differ**" if len(found) > 1 else "**The one setting that differs**")
    columns = {"Setting": list(found)} | {
        cell(name): [cell(words.setting(values[i])) for values in found.values()] for i, name in enumerate(shown)
    }
    st.dataframe(pa.table(columns), hide_index=True, key="runs.compare.settings", alt="Settings that differ, by run")


def _budgets(shown: Mapping[str, RunRecord], look: Mapping[str, Look]) -> None:
    """The ε-curves over each other, one figure a norm: budgets in different norms do not compare."""
    found = {name: api.results.RunResult.of(record) for name, record in shown.items()}
    norms: dict[str, list[str]] = {}
    for name, record in shown.items():
        if found[name].curve:
            norms.setdefault(record.config["evaluation"]["norm"], []).append(name)
    for norm, names in norms.items():
        with st.container(border=True):
            st.markdown(f"**Robust accuracy against the budget ε**, {norm}, with 95 % intervals: {LOOKS}")
            rows = {name: api.results.rows(found[name].curve) for name in names}
            images = {name: found[name].curve_images for name in names}
            figure = eps_compare.chart(rows, images, norm, looks={name: look[name] for name in names})
            draw(figure, f"runs.compare.eps.{norm}", f"eps-curves-of-runs-{norm}")
            for name in names:
                st.caption(f"**{words.plain(name, 120)}**: {naming.curve(shown[name])}")


def _epochs(shown: Mapping[str, RunRecord], look: Mapping[str, Look]) -> None:
    found = {name: curves.points(live.events(record.id)) for name, record in shown.items()}
    if not any(found.values()):
        return
    epochs = max(point.epoch for curve in found.values() for point in curve)
    with st.container(border=True):
        st.markdown(
            "**Accuracy while training**: thick is robust under PGD (not AutoAttack), thin is clean; "
            "colour tells the method, the dash the training"
        )
        draw(curves.compare(found, epochs, look), "runs.compare", "curves-of-runs")


def _paired(shown: Mapping[str, RunRecord]) -> None:
    """Two runs image by image."""
    if len(shown) == 2 and all(map(judged, shown.values())):
        names, ids = [words.plain(name, 120) for name in shown], [record.id for record in shown.values()]
        st.caption(f"**{names[0]}** against **{names[1]}**: {words.pair(api.pairs.of_runs(ids[0], ids[1]), names)}")
