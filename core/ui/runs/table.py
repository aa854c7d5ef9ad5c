"""The runs as a table to choose from, and what can be done with the chosen one."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord, as_norm
from core.types.spreadsheet import cell
from core.ui import glossary, live, naming, navigation, paper, published, words
from core.ui.chart import headings
from core.ui.runs import comparing

MOST_TRASH = 20
COLUMNS = (
    "name", "status", "data", "method", "images", "network", "training", "attack", "clean", "robust", "started",
    "seconds",
)  # fmt: skip
PATIENCE = (
    "A worker that is stopped or hangs is killed after this time, and its run goes on from its checkpoint; 0 means "
    "never. Three times at most, then the run is left interrupted"
)
WHOSE = "Your runs, or those that ship with Ballast: they can be opened and repeated, not renamed or deleted"
BY = "Only runs whose images were made by one of these"
SHOWN = ("Mine", "Examples")


def choose(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Draw the table and return the rows that are ticked; a changed list of runs starts unticked."""
    rows = [_row(record) for record in records]
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    stamp = hashlib.blake2b("".join(r.id for r in records).encode(), digest_size=6).hexdigest()
    event = st.dataframe(
        table,
        key=f"runs.table.{stamp}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        column_config=headings(
            COLUMNS,
            clean=st.column_config.NumberColumn(format="percent", help=glossary.CLEAN),
            robust=st.column_config.NumberColumn(format="percent", help=glossary.ROBUST),
            started=st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
        ),
        alt="Runs, newest first",
    )
    return [records[i] for i in event.selection.rows if i < len(records)]


def _row(record: RunRecord) -> dict[str, Any]:
    if record.damaged:
        return {name: None for name in COLUMNS} | {"name": record.id, "status": "damaged"}
    config, found = record.config, api.results.RunResult.of(record)
    judged = config.get("evaluation", {})
    return {
        "name": cell(next(iter(naming.named([record]).values()))),  # the table can be saved as CSV
        "status": record.status,
        "data": cell(naming.data(config)),
        "method": cell(api.naming.method(config.get("method", {}).get("name", ""))),
        "images": found.budget,
        "network": cell(api.naming.network(config.get("network", {}).get("name", ""))),
        "training": cell(api.naming.training(config.get("training", {}).get("name", ""))),
        "attack": f"{judged.get('norm', '')} ε {judged.get('eps', 0):.3g}",
        "clean": found.clean_acc,
        "robust": found.robust_acc,
        "started": datetime.fromtimestamp(record.started or record.created),
        "seconds": round(sum(record.seconds.values()), 1) or None,
    }


def actions(record: RunRecord) -> None:
    """Open, rename, download, resume, run again and delete one run; an example only opens and is run again."""
    mine = api.visitors.may_change(record)
    if record.damaged:
        st.error(words.plain(record.error))
        if mine and st.button("Delete", key="runs.delete"):
            delete([record])
        return
    own = not api.examples.is_one(record.id)
    if not own:
        st.caption(api.examples.mark(record))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Open in the Lab", key="runs.open", type="primary"):
            navigation.open_run(record.id)
        if (
            record.status != "done"
            and live.ended(record)
            and record.resumable
            and mine
            and st.button("Resume", key="runs.resume")
        ):
            api.resume(record.id)
            navigation.open_run(record.id)
        if live.ended(record) and st.button("Run again", key="runs.again"):
            navigation.open_run(api.again(record.id))
        if not own:
            return
        st.download_button(
            "Download zip",
            lambda: api.export(record.id),
            file_name=f"{record.id}.zip",
            mime="application/zip",
            key="runs.download",
            on_click="ignore",
            help="Settings, events, condensed set, weights and images",
        )
        if comparing.judged(record):
            paper.of_runs([record.id], "runs.paper")
        if mine and st.button("Rename", key="runs.rename"):
            _rename(record)
        if mine and live.ended(record) and st.button("Delete", key="runs.delete"):
            delete([record])


def beside(record: RunRecord) -> None:
    """Published numbers that may stand beside a finished run."""
    found, data = api.results.RunResult.of(record), record.config.get("data", {})
    if record.status != "done" or found.eps is None or not data:
        return
    per_class = round(found.budget / len(found.classes)) if found.budget and found.classes else None
    published.show(
        data["name"], () if per_class is None else (per_class,), as_norm(found.attack_norm), found.eps,
        f"runs.published.{record.id}", limited=data.get("limit") is not None,
    )  # fmt: skip


@st.dialog("Rename")
def _rename(record: RunRecord) -> None:
    name = st.text_input("Name", record.name, key="runs.newname")
    if st.button("Save", key="runs.save", type="primary"):
        try:
            api.rename(record.id, name)
        except BallastError as error:
            st.error(words.plain(error))
        else:
            st.rerun()


@st.dialog("Delete?")
def delete(records: Sequence[RunRecord]) -> None:
    """Ask, then put runs into the trash with everything they left."""
    st.markdown("\n".join(f"- {naming.title(record)}" for record in records))
    st.caption(f"They stay in the trash below for {api.TRASH_DAYS} days, from where they can be restored.")
    if st.button("Delete", key="runs.confirm", type="primary"):
        try:
            for record in records:
                api.delete(record.id)
        except BallastError as error:
            st.error(words.plain(error))
        else:
            st.rerun()


def trash() -> None:
    """What was deleted lately, with the way back."""
    records = [record for record in api.trashed(limit=MOST_TRASH) if api.visitors.may_change(record)]
    if not records:
        return
    with st.expander("Trash", key="runs.trash"):
        st.caption(
            f"Removed for good {api.TRASH_DAYS} days after they were deleted. The newest {MOST_TRASH} are shown."
        )
        for record in records:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(f"{naming.called(record)} · deleted {words.ago(record.deleted or 0.0)}", width="stretch")
                if st.button("Restore", key=f"runs.restore.{record.id}"):
                    api.restore(record.id)
                    st.rerun()
                if st.button("Remove for good", key=f"runs.remove.{record.id}"):
                    api.delete(record.id, now=True)
                    st.rerun()
