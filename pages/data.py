"""Data: choose, download, upload and look at a data set."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import DataConfig
from core.ui import data_view, form, live, navigation, words

navigation.guard()
WAYS = ("Ready-made", "Upload", "Path")
KINDS = {"embedded": "included", "download": "download"}


def prepare(config: DataConfig) -> None:
    """Start loading, or find the data set loaded already, and show it."""
    found = api.prepared(config)
    st.query_params["job"] = found.id if found else api.prepare(config)
    st.rerun()


def ready_made() -> None:
    kinds = {name: KINDS[row.kind] for name, row in api.DATASETS.items() if row.kind in KINDS}
    kinds |= dict.fromkeys(api.uploads(), "yours")
    titles = {name: f"{title} ({kinds[name]})" for name, title in words.titles(kinds).items()}
    help = "Included ones need no download; yours were uploaded, or found in data/"
    name = form.select("Data set", list(kinds), "data.name", next(iter(kinds)), titles=titles, help=help)
    if st.button("Show", key="data.show", type="primary", help="Loads it; downloads it first where needed"):
        prepare(DataConfig(name=name))


def upload() -> None:
    file = st.file_uploader(
        "An .npz with x_train, y_train, x_test, y_test, or a .zip of class folders",
        type=["npz", "zip"],
        key="data.file",
        help="train/<class>/*.png, test/<class>/*.png; without test/ a stratified split is made. Nothing is unpickled",
    )
    if file and st.button("Load", key="data.upload", type="primary"):
        prepare(api.upload(file.name, file))


def path() -> None:
    name = st.text_input("Path of an .npz, a zip or a folder on this machine", key="data.path")
    if name and st.button("Load", key="data.load", type="primary"):
        prepare(DataConfig(name=name))


@st.fragment(run_every=live.EVERY)
def watch(job: str) -> None:
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    data_view.loading(record)


def show(job: str) -> None:
    record = api.get(job)
    if not live.ended(record):
        watch(job)
    elif record.status == "done":
        data_view.description(record)
        st.code(api.command({"data": record.config}, verb="describe", stages=("data",)), language="bash")
    else:
        st.warning(record.error or f"Loading {record.config['name']} was {record.status}.")
        if st.button("Try again", key="data.again"):
            prepare(DataConfig(**record.config))


st.title("Data", anchor=False)
try:
    way = st.segmented_control("Where from", WAYS, default=WAYS[0], required=True, key="data.way", bind="query-params")
    {"Ready-made": ready_made, "Upload": upload, "Path": path}[way]()
    if job := st.query_params.get("job"):
        show(job)
except BallastError as error:
    st.error(str(error))
