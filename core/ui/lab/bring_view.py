"""Bring a set: send a file, see how it would be read, answer what black and white are, and take it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import api
from core.types import RunRecord
from core.ui import bar, form, live, naming, words

METHOD = "imported"
FORMS = (
    "A .pt as DC, DSA, DM and their like save it, an .npz of images and labels, or a .zip of class folders. "
    "Read as weights only: nothing in a file is run"
)


def view(config: Mapping[str, Any]) -> None:
    """The box above the runs while the form is set to a set from elsewhere."""
    with st.container(border=True):
        st.markdown(
            f"**Bring a set** for {words.plain(naming.titles([config['data']['name']])[config['data']['name']])}"
        )
        _send(config)
        if job := st.query_params.get("bring"):
            _show(job)


def _send(config: Mapping[str, Any]) -> None:
    """An upload, or for the owner a path, with the options of the form."""
    ways = ["Upload", "Path"] if api.visitors.current().role == "owner" else ["Upload"]
    way = st.segmented_control("From", ways, default=ways[0], required=True, key="lab.bring.way")
    if way == "Path":
        name = st.text_input("Path of a file or folder on this machine", key="lab.bring.path", help=FORMS)
        if name and st.button("Look at it", key="lab.bring.look", type="primary"):
            _look(config, name)
        return
    kinds = [suffix.removeprefix(".") for suffix in api.bring.SUFFIXES]
    file = st.file_uploader("A condensed set", type=kinds, key="lab.bring.file", help=FORMS)
    if file and st.button("Look at it", key="lab.bring.send", type="primary"):
        _look(config, api.bring.upload(file.name, file))


def _look(config: Mapping[str, Any], name: str, **answer: Any) -> None:
    chosen = {k: v for k, v in config["method"]["options"].items() if k in ("number", "set_range", "clip")}
    options = chosen | {"set": name} | answer
    st.query_params["bring"] = api.bring.look(api.bring.settings(config["data"], options))
    st.rerun()


def _show(job: str) -> None:
    record = api.get(job)
    if record.kind != "bring":
        return
    if not live.ended(record):
        _watch(job)
    elif record.status == "done":
        _found(record)
    else:
        st.warning(words.plain(record.error) or f"Looking at it was {record.status}.")


@live.fragment(run_every=live.EVERY)
def _watch(job: str) -> None:
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    bar.progress(live.events(job))


def _found(record: RunRecord) -> None:
    """The mosaic, what was understood, and the question or the button that takes the set."""
    found = api.bring.BringResult.of(record)
    left, right = st.columns([2, 3])
    with left:
        if picture := api.image(record.id):
            st.image(picture, output_format="PNG", width="stretch", alt="The images as read, one row per class")
            st.caption("As proposed" if found.asks else words.plain(f"Taken: {found.set_read_as}"))
    with right:
        counts = sorted(set(found.counts))
        each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        labels = "soft labels" if found.soft else "one class an image"
        st.markdown(words.plain(f"{found.set_file}: {found.budget:,} images, {each} a class, {labels}"))
        st.caption(words.plain(f"Read as {found.set_layout}"))
        for note in found.notes:
            (st.warning if found.asks and note == found.range["sentence"] else st.caption)(words.plain(note))
        if found.asks:
            _question(record, found)
        else:
            ipc = counts[0] if len(counts) == 1 else None
            st.button("Use it", key="lab.bring.use", type="primary", on_click=_use, args=(record, ipc))


def _question(record: RunRecord, found: api.bring.BringResult) -> None:
    """Ask what black and white are; the answer is another look."""
    with st.form("lab.bring.question"):
        proposal = str(found.range["proposal"])
        text = st.text_input(
            "Values that mean black and white, as low:high, a pair a channel", value=proposal, key="lab.bring.answer"
        )
        clip = st.checkbox("Bring values beyond them to the ends", value=found.outside > 0, key="lab.bring.clip")
        if st.form_submit_button("Read it so", type="primary") and text.strip():
            options = record.config["method"]["options"]
            _look(record.config, options["set"], set_range=text.strip(), clip=clip)


def _use(record: RunRecord, ipc: int | None) -> None:
    """Put the set that was taken into the form, before it is drawn; how it was read is settled."""
    form.put("lab", {"method": METHOD})
    form.put("lab.data", record.config["data"])
    form.put("lab.method", {"set": record.id, "ipc": ipc, "number": 1, "set_range": "", "clip": False})
    st.query_params.pop("bring", None)
