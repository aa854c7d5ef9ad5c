"""The 2-D map with one centre's true members, by click or by number."""

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import embedding
from core.types import MapData, RunRecord
from core.ui import live, words
from core.ui.chart import plotly

SHOWN, COLUMNS = 15, 5  # thumbnails of members


@live.fragment
def view(record: RunRecord) -> None:
    """Map at the left, the selected centre's members at the right; a click redraws only this."""
    data = live.map_of(record.id)
    if data is None:
        return
    selectable = len(data.owner) > 0
    classes = tuple(record.result.get("classes", ()))  # of a run or of a cover
    with st.container(border=True):
        left, right = st.columns([3, 2])
        with right:
            centre = _choose(len(data.centres) or int(data.owner.max(initial=-1)) + 1) if selectable else None
        with left:
            st.markdown("**Map of the train images**" + ("" if data.true_space else f" ({data.projection})"))
            figure = embedding.figure(data, classes, centre)
            st.plotly_chart(
                figure,
                key="lab.map",
                on_select=_clicked if selectable else "ignore",
                selection_mode="points",
                config=plotly(f"{record.id}-map"),
                alt=f"2-D map of {len(data.xy)} train images with {len(data.centres)} centres",
            )
            if len(data.xy) < data.total:
                st.caption(f"A sample of {len(data.xy):,} of {data.total:,} train images is drawn.")
            st.caption(_meaning(data))
        with right:
            if not selectable:
                st.caption("This method assigns no train images to its condensed images.")
            elif centre is None:
                _all_balls(data, classes)
            else:
                _members(record.id, centre)


def _clicked() -> None:
    """A click on any point selects the centre it belongs to."""
    points = st.session_state["lab.map"].selection.points
    data = points[0].get("customdata") if points else None
    if data and data["0"] >= 0:
        st.session_state["lab.centre"] = int(data["0"])


def _choose(count: int) -> int | None:
    return st.number_input(
        "Centre",
        0,
        count - 1,
        None,
        key="lab.centre",
        bind="query-params",
        placeholder=f"none of {count}",
        help="Click a point of the map, or choose a centre here by its number",
    )


def _all_balls(data: MapData, classes: tuple[str, ...]) -> None:
    """Every centre with the size of its ball, until one is chosen."""
    st.caption("Click a point, or choose a centre by number, to see the train images it stands for.")
    if len(data.centres):
        radius = st.column_config.NumberColumn(f"radius ({data.norm})", format="%.3f")
        st.dataframe(
            pa.table(embedding.balls(data, classes)), hide_index=True, height=400, column_config={"radius": radius}
        )


def _members(run_id: str, centre: int) -> None:
    found = api.members(run_id, centre)
    st.markdown(
        f"Class **{words.plain(found.label, 120)}** · {len(found.rows):,} members · radius "
        f"{found.distance.max():.3f} {found.norm}"
    )
    for start in range(0, min(len(found.rows), SHOWN), COLUMNS):
        part = slice(start, start + COLUMNS)
        for column, row, distance in zip(st.columns(COLUMNS), found.rows[part], found.distance[part], strict=False):
            picture = api.thumbnails(run_id, [int(row)])
            column.image(picture, caption=f"{distance:.3f}", output_format="PNG", width="stretch", alt=f"Image {row}")
    st.caption(f"The nearest {min(len(found.rows), SHOWN)} with their {found.norm} distance in pixels of [0, 1].")


def _meaning(data: MapData) -> str:
    if data.true_space:
        return "The data have two dimensions: positions and balls are drawn to scale."
    if data.projection == "PCA":
        return (
            "The first two principal components, until UMAP has laid the map out; classes overlap that are apart in "
            "pixel space. Members are told by distances there."
        )
    return (
        "UMAP keeps neighbours together; distances, sizes and gaps on it mean little, and a ball is not a circle here. "
        "Members are told by distances in pixel space."
    )
