"""The runs as a table to choose from, and what can be done with the chosen ones."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import curves
from core.types import RunRecord
from core.ui import live, navigation, words
from core.ui.chart import draw

MOST_CURVES = 7


def choose(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Draw the table and return the rows that are ticked; a changed list of runs starts unticked."""
    rows = [_row(record) for record in records]
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    stamp = hashlib.blake2b("".join(r.id for r in records).encode(), digest_size=6).hexdigest()
    share = st.column_config.NumberColumn(format="percent")
    event = st.dataframe(
        table,
        key=f"runs.table.{stamp}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        column_config={
            "clean": share,
            "robust": share,
            "started": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
        },
        alt="Runs, newest first",
    )
    return [records[i] for i in event.selection.rows if i < len(records)]


def _row(record: RunRecord) -> dict[str, Any]:
    config, result = record.config, record.result
    judged = config.get("evaluation", {})
    return {
        "name": record.name or record.id,
        "status": record.status,
        "data": words.data(config),
        "method": config.get("method", {}).get("name", ""),
        "images": result.get("budget"),
        "network": config.get("network", {}).get("name", ""),
        "training": config.get("training", {}).get("name", ""),
        "attack": f"{judged.get('norm', '')} ε {judged.get('eps', 0):.3g}",
        "clean": result.get("clean_acc"),
        "robust": result.get("robust_acc"),
        "started": datetime.fromtimestamp(record.started or record.created),
        "seconds": round(sum(record.seconds.values()), 1) or None,
    }


def actions(record: RunRecord) -> None:
    """Open, rename, download, resume, run again and delete one run."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Open in the Lab", key="runs.open", type="primary"):
            navigation.open_run(record.id)
        if (
            record.status != "done"
            and live.ended(record)
            and record.resumable
            and st.button("Resume", key="runs.resume")
        ):
            api.resume(record.id)
            navigation.open_run(record.id)
        if live.ended(record) and st.button("Run again", key="runs.again"):
            navigation.open_run(api.again(record.id))
        st.download_button(
            "Download zip",
            lambda: api.export(record.id),
            file_name=f"{record.id}.zip",
            mime="application/zip",
            key="runs.download",
            on_click="ignore",
            help="Settings, events, condensed set, weights and images",
        )
        if st.button("Rename", key="runs.rename"):
            _rename(record)
        if live.ended(record) and st.button("Delete", key="runs.delete"):
            delete([record])


@st.dialog("Rename")
def _rename(record: RunRecord) -> None:
    name = st.text_input("Name", record.name, key="runs.newname")
    if st.button("Save", key="runs.save", type="primary"):
        api.rename(record.id, name)
        st.rerun()


@st.dialog("Delete for good?")
def delete(records: Sequence[RunRecord]) -> None:
    """Ask, then remove runs with everything they left."""
    st.markdown("\n".join(f"- {record.name or record.id}" for record in records))
    st.caption("Events, condensed images, weights and figures are removed; other runs stay.")
    if st.button("Delete", key="runs.confirm", type="primary"):
        for record in records:
            api.delete(record.id)
        st.rerun()


def compare(records: Sequence[RunRecord]) -> None:
    """Curves of several runs in one chart, with the conditions of each."""
    shown = records[:MOST_CURVES]
    names = words.distinct([record.name or record.id for record in shown])
    found = {name: curves.points(live.events(record.id)) for name, record in zip(names, shown, strict=True)}
    epochs = max((point.epoch for curve in found.values() for point in curve), default=1)
    with st.container(border=True):
        st.markdown("**Accuracy while training**: solid is clean, dashed is robust under PGD (not AutoAttack)")
        draw(curves.compare(found, epochs), "runs.compare", "curves-of-runs")
        if len(records) > len(shown):
            st.caption(f"The first {MOST_CURVES} of {len(records)} chosen runs are drawn.")
        for name, record in zip(names, shown, strict=True):
            st.caption(f"**{name}**: {words.conditions(record.result) or record.status} · {words.audit(record.id)}")
