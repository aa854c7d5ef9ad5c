"""A data set on the page: while it loads, and what is in it."""

import streamlit as st

from core import api
from core.plots import class_counts
from core.types import RunRecord
from core.ui import live, navigation, words
from core.ui.chart import draw


def loading(record: RunRecord) -> None:
    """Progress with a button to stop."""
    events = live.events(record.id)
    last = events[-1] if events else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(last.done / last.total if last and last.total else 0.0, text=words.progress(events))
        if st.button("Cancel", key="data.cancel"):
            api.cancel(record.id)
    if last and last.note:
        st.caption(last.note)


def description(record: RunRecord) -> None:
    """Counts, sizes, range, hash, notes and the preview grid."""
    found, name = record.result, record.config["name"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(words.titles([name])[name], anchor=False, width="content")
        st.space("stretch")
        if st.button("Use in the Lab", key="data.use", type="primary"):
            navigation.open_lab(name)
    for note in found.get("notes", ()):
        st.info(note)
    train, test, classes, size = st.columns(4)
    train.metric("Train images", f"{found['train_images']:,}")
    test.metric("Test images", f"{found['test_images']:,}")
    classes.metric("Classes", len(found["classes"]))
    size.metric("Size", words.size(found["shape"]))
    st.caption(words.storage(found))
    left, right = st.columns([2, 3])
    with left.container(border=True):
        st.markdown("**Preview**, one row per class")
        if picture := api.image(record.id, "preview"):
            st.image(picture, output_format="PNG", width="stretch", alt="Some train images of each class")
    with right.container(border=True):
        st.markdown("**Images per class**")
        counts = {"train": found["train_counts"], "test": found["test_counts"]}
        draw(class_counts.chart(found["classes"], counts), "data.counts", f"{record.id}-classes")
