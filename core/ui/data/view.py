"""A data set on the page: what was understood of its source, and what is in it."""

from math import prod

import streamlit as st

from core import api
from core.errors import RunError
from core.plots import class_counts, plane_data
from core.types import DataConfig, RunRecord
from core.ui import naming, navigation, words
from core.ui.chart import draw, plotly

SHOWN = 200  # files left out that the page lists; the record has all


def description(record: RunRecord) -> None:
    """How the source was read; unless that is still a question, also counts, sizes, hash and the preview grid."""
    found, name = api.results.DataResult.of(record), record.config["name"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(words.plain(naming.titles([name])[name], 120), anchor=False, width="content")
        st.space("stretch")
        if not found.asks and st.button("Use in the Lab", key="data.use", type="primary"):
            navigation.open_lab(DataConfig(**record.config))
    for note in found.notes:
        (st.warning if found.asks and note == found.range["sentence"] else st.info)(words.plain(note))
    if found.asks:
        _source(found)
        return
    with st.container(key="data.whole"):
        with st.container(key="data.numbers"):
            _source(found)
            st.caption(words.storage(found))
        with st.container(key="data.pictures"):
            _pictures(record, found)


def _pictures(record: RunRecord, found: api.results.DataResult) -> None:
    left, right = st.columns([2, 3])
    with left.container(border=True):
        if prod(found.shape) == 2:
            _plane(record, found)
        else:
            _preview(record, found)
    with right.container(border=True):
        st.markdown("**Images per class**")
        counts = {"train": found.train_counts, "test": found.test_counts}
        draw(class_counts.chart(found.classes, counts), "data.counts", f"{record.id}-classes")


def _preview(record: RunRecord, found: api.results.DataResult) -> None:
    """Some images of each class."""
    st.markdown("**Preview**, one row per class")
    if picture := api.image(record.id, "preview"):
        st.image(picture, output_format="PNG", width="stretch", alt="Some train images of each class")
    if found.previewed < len(found.classes):
        st.caption(f"{found.previewed} of {len(found.classes)} classes are drawn")


def _plane(record: RunRecord, found: api.results.DataResult) -> None:
    """Points of two numbers where they lie."""
    st.markdown("**Preview**, every point where it lies")
    try:
        points = api.plane.of_record(record.id)
    except RunError as error:
        st.caption(words.plain(error))
        return
    if points is None:
        return
    figure, alt = plane_data.figure(*points, found.classes), plane_data.alt(*points, found.classes)
    st.plotly_chart(figure, key="data.plane", on_select="ignore", config=plotly(f"{record.id}-points"), alt=alt)
    train, test = (len(split[2]) for split in points)
    st.caption(
        f"{train:,} of {found.train_images:,} train points (filled) and {test:,} of {found.test_images:,} test points "
        "(hollow); both axes from 0 to 1."
    )


def _source(found: api.results.DataResult) -> None:
    """The form of the source, its parts, its values, and every file of it that takes no part."""
    used = dict(found.parts) or {"train": found.train_images, "test": found.test_images}
    used |= {} if found.asks else {"train": found.train_images, "test": found.test_images}
    train, test, kept, classes, size = st.columns(5)
    train.metric("Train images", f"{used['train']:,}")
    test.metric("Test images", f"{used['test']:,}")
    kept.metric("Validation images", f"{used.get('validation', 0):,}", help="Kept apart: not trained on, not judged on")
    classes.metric("Classes", len(found.classes))
    size.metric("Size", words.size(found.shape) if found.shape else "–")
    if found.range:
        st.caption(f"Read as {found.layout} · {words.values(found.range)}")
    if found.named:
        names = ", ".join(f"{source} → {name}" for source, name in list(found.named.items())[:10])
        st.caption(f"Class names: {names}{' …' if len(found.named) > 10 else ''}")
    if found.left_out:
        with st.expander(f"Left out: {len(found.left_out):,}", key="data.left"):
            st.dataframe(list(found.left_out[:SHOWN]), hide_index=True, width="stretch")
            if len(found.left_out) > SHOWN:
                st.caption(f"The first {SHOWN} of {len(found.left_out):,}; `describe --json` lists all")
