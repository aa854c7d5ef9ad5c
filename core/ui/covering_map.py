"""The map of the Covering page: members of one ball, balls that hold each image, and what is uncovered."""

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import cover_map, embedding
from core.types import MapData, RunRecord
from core.ui import live
from core.ui.chart import plotly

VIEWS = ("Classes", "Overlap")


def solving(record: RunRecord) -> None:
    """Centres of the moment and images without a cover, where the data set has a map already."""
    found = api.covering.sketch(record.id)
    with st.container(border=True):
        if found is None:
            st.caption("No map yet: the first cover of a data set comes before its map.")
            return
        data, uncovered = found
        st.markdown("**Map while solving**" + ("" if data.true_space else " (UMAP)"))
        figure = cover_map.solving(data, (), uncovered)
        alt = f"Map of {len(data.xy)} train images with {len(data.centres)} centres so far"
        st.plotly_chart(figure, key="covering.live", on_select="ignore", config=plotly(f"{record.id}-map"), alt=alt)
        st.caption(_sample(data) + f"{int(uncovered.sum()):,} of the images drawn have no cover yet (crosses).")


@st.fragment
def view(record: RunRecord, classes: tuple[str, ...]) -> None:
    """Map at the left, the selected ball or all balls at the right; a click redraws only this."""
    data = live.map_of(record.id)
    if data is None:
        return
    held = api.covering.held(record.id)
    with st.container(border=True):
        left, right = st.columns([3, 2])
        with right:
            centre = _choose(len(data.centres))
            look = VIEWS[0]
            if held is not None:
                look = st.segmented_control("Colour", list(VIEWS), default=VIEWS[0], required=True, key="covering.look")
        with left:
            st.markdown("**Map of the train images**" + ("" if data.true_space else " (UMAP)"))
            figure = (
                cover_map.overlap(data, held["own"], centre)
                if look == VIEWS[1]
                else embedding.figure(data, classes, centre)
            )
            st.plotly_chart(
                figure, key="covering.map", on_select=_clicked, selection_mode="points",
                config=plotly(f"{record.id}-map"),
                alt=f"Map of {len(data.xy)} train images with {len(data.centres)} centres",
            )  # fmt: skip
            st.caption(_sample(data) + _meaning(data))
        with right:
            if centre is None:
                _balls(data, classes, held is not None and look == VIEWS[1], record)
            else:
                _members(record, centre, data)


def _clicked() -> None:
    """A click on any point selects the ball it belongs to."""
    points = st.session_state["covering.map"].selection.points
    data = points[0].get("customdata") if points else None
    if data and data["0"] >= 0:
        st.session_state["covering.centre"] = int(data["0"])


def _choose(count: int) -> int | None:
    if (st.session_state.get("covering.centre") or 0) >= count:
        st.session_state["covering.centre"] = None
    return st.number_input(
        "Ball", 0, count - 1, None, key="covering.centre", placeholder=f"none of {count}",
        help="Click a point of the map, or choose a ball here by the number of its centre",
    )  # fmt: skip


def _balls(data: MapData, classes: tuple[str, ...], overlap: bool, record: RunRecord) -> None:
    if overlap:
        counts = record.result["overlap"]
        names = ["1", "2", "3", "4 or more"]
        table = {"balls of its class that hold it": names, "train images": counts[1:]}
        st.dataframe(pa.table(table), hide_index=True, key="covering.overlap")
        other = record.result.get("overlap_other")
        if other is not None:
            st.caption(f"{other:,} train images also lie in a ball of another class.")
        return
    st.caption("Click a point, or choose a ball by number, to see its true members.")
    radius = st.column_config.NumberColumn(f"radius ({data.norm})", format="%.3f")
    st.dataframe(
        pa.table(embedding.balls(data, classes)), hide_index=True, height=380, column_config={"radius": radius}
    )


def _members(record: RunRecord, centre: int, data: MapData) -> None:
    found = api.members(record.id, centre)
    st.markdown(
        f"Class **{found.label}** · {len(found.rows):,} members · radius {found.distance.max():.3f} {found.norm}"
    )
    if data.true_space:
        return
    shown = min(len(found.rows), 24)
    st.image(
        api.thumbnails(record.id, found.rows[:shown].tolist()), output_format="PNG", width="stretch",
        alt=f"The {shown} members nearest to the centre",
    )  # fmt: skip
    st.caption(f"The centre and its nearest members, {shown} of {len(found.rows):,}, by {found.norm} distance.")


def _sample(data: MapData) -> str:
    return (
        f"A sample of {len(data.xy):,} of {data.total:,} train images is drawn. " if len(data.xy) < data.total else ""
    )


def _meaning(data: MapData) -> str:
    if data.true_space:
        shape = {"L2": "discs", "Linf": "squares", "L1": "diamonds"}[data.norm or "L2"]
        return f"Positions and balls are drawn to scale: {shape} of {data.norm}, each as large as its members need."
    return "UMAP keeps neighbours, not distances: a ball is no circle here. Members are told by pixel distance."
