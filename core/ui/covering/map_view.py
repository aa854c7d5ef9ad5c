"""The map of the Covering page: members of one ball, balls that hold each image, and what is uncovered."""

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st

from core import api
from core.plots import cover_map, embedding
from core.types import MapData, RunRecord
from core.ui import live, words
from core.ui.chart import plotly

VIEWS = ("Classes", "Overlap")


def solving(record: RunRecord, before: RunRecord | None) -> None:
    """The map while a cover is looked for: the cover before in grey, with the centres of the moment.

    before  the cover that was on the page until now; without one, what is uncovered is drawn
    """
    found = _sketch_of(record.id, api.covering.sketched(record.id))
    old = live.map_of(before.id) if before is not None else None
    with st.container(border=True, key="covering.map-box"):
        left, right = st.columns([3, 2])
        with right:
            picture = api.image(record.id)
            st.markdown("**Centres of the moment**, by class")
            if picture is None:
                st.caption("They come with the first class that is covered.")
            else:
                st.image(picture, output_format="PNG", width="stretch", alt="Centres of the best cover so far")
        with left:
            projection = "" if old is None or old.true_space else f" ({old.projection})"
            st.markdown(f"**Map of the train images**{projection}")
            if old is not None:
                _before(old, found[0] if found else None, record)
            elif found is None:
                st.caption("The map comes with the data set, in a moment.")
            else:
                _sketch(*found, record)


@st.cache_resource(max_entries=4, show_spinner=False)
def _sketch_of(run_id: str, stamp: int) -> tuple[MapData, np.ndarray] | None:
    """The cover of the moment, read anew only when it has changed."""
    return api.covering.sketch(run_id)


def _before(old: MapData, coming: MapData | None, record: RunRecord) -> None:
    alt = f"Map of {len(old.xy)} train images with the cover before in grey"
    figure = cover_map.before(old, coming)
    st.plotly_chart(figure, key="covering.grey", on_select="ignore", config=plotly(f"{record.id}-map"), alt=alt)
    so_far = f"; {len(coming.centres):,} centres of the next one so far" if coming is not None else ""
    st.caption(f"Grey: the cover before{so_far}.")


def _sketch(data: MapData, uncovered: np.ndarray, record: RunRecord) -> None:
    figure = cover_map.solving(data, (), uncovered)
    alt = f"Map of {len(data.xy)} train images with {len(data.centres)} centres so far"
    st.plotly_chart(figure, key="covering.live", on_select="ignore", config=plotly(f"{record.id}-map"), alt=alt)
    st.caption(_sample(data) + f"{int(uncovered.sum()):,} of the images drawn have no cover yet (crosses).")


@live.fragment
def view(record: RunRecord, classes: tuple[str, ...], before: RunRecord | None = None) -> None:
    """Map at the left, the selected ball or all balls at the right; a click redraws only this.

    before  the cover whose map stays, grey, until this one has its own
    """
    data = live.map_of(record.id)
    if data is None:
        solving(record, before)
        return
    held = api.covering.held(record.id)
    with st.container(border=True, key="covering.map-box"):
        left, right = st.columns([3, 2])
        with right:
            centre = _choose(len(data.centres))
            overlaps = None
            if held is not None:
                look = st.segmented_control("Colour", list(VIEWS), default=VIEWS[0], required=True, key="covering.look")
                overlaps = held["own"] if look == VIEWS[1] else None
        with left:
            st.markdown("**Map of the train images**" + ("" if data.true_space else f" ({data.projection})"))
            st.plotly_chart(
                _map(record.id, api.map_stamp(record.id), centre, data, overlaps, classes),
                key="covering.map", on_select=_clicked, selection_mode="points",
                config=plotly(f"{record.id}-map"),
                alt=f"Map of {len(data.xy)} train images with {len(data.centres)} centres",
            )  # fmt: skip
            st.caption(_sample(data) + _meaning(data))
        with right:
            if centre is None:
                _balls(data, classes, record, overlap=overlaps is not None)
            else:
                _members(record, centre, data)


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={np.ndarray: lambda _: "overlaps"})
def _map(
    run_id: str, stamp: int, centre: int | None, _data: MapData, overlaps: np.ndarray | None, _classes: tuple[str, ...]
) -> go.Figure:
    """The map of a cover, drawn once for all the looks at a page while the rest of the cover is measured."""
    if overlaps is None:
        return embedding.figure(_data, _classes, centre)
    return cover_map.overlap(_data, overlaps, centre)


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


def _balls(data: MapData, classes: tuple[str, ...], record: RunRecord, *, overlap: bool) -> None:
    found = api.results.CoverResult.of(record)
    if overlap and found.overlap is not None:
        names = ["1", "2", "3", "4 or more"]
        table = {"balls of its class that hold it": names, "train images": found.overlap[1:]}
        st.dataframe(pa.table(table), hide_index=True, key="covering.overlap")
        if found.overlap_other is not None:
            st.caption(f"{found.overlap_other:,} train images also lie in a ball of another class.")
        return
    st.caption("Click a point, or choose a ball by number, to see its true members.")
    radius = st.column_config.NumberColumn(f"radius ({data.norm})", format="%.3f")
    st.dataframe(
        pa.table(embedding.balls(data, classes)), hide_index=True, height=380, column_config={"radius": radius}
    )


def _members(record: RunRecord, centre: int, data: MapData) -> None:
    found = api.members(record.id, centre)
    st.markdown(
        f"Class **{words.plain(found.label, 120)}** · {len(found.rows):,} members · radius "
        f"{found.distance.max():.3f} {found.norm}"
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
    if data.projection == "PCA":
        return "Principal components until UMAP has laid the map out. Members are told by pixel distance. "
    return "UMAP keeps neighbours, not distances: a ball is no circle here. Members are told by pixel distance."
