"""Data: choose, download, upload and look at a data set."""

from collections.abc import Mapping

import streamlit as st

from core import api
from core.errors import BallastError, RunError
from core.types import DataConfig
from core.ui import form, live, loading, naming, navigation, words
from core.ui.data import answers, view

navigation.guard()
WAYS = ("Ready-made", "Upload", "Path")
FORMS = "; ".join(reader.title for reader in api.READERS)
KINDS = {"embedded": "included", "download": "download"}


def prepare(config: DataConfig) -> None:
    """Start loading, or find the data set loaded already, and show it."""
    found = api.prepared(config)
    st.query_params["job"] = found.id if found else api.prepare(config)
    st.rerun()


def ready_made() -> None:
    kinds = {name: KINDS[row.kind] for name, row in api.DATASETS.items() if row.kind in KINDS}
    kinds |= dict.fromkeys(api.uploads(), "yours")
    titles = {name: f"{title} ({kinds[name]})" for name, title in naming.titles(kinds).items()}
    help = "Included ones need no download; yours were uploaded, or found in data/"
    name = form.select("Data set", list(kinds), "data.name", _shown(kinds), titles=titles, help=help)
    settings = answers.of_source() if kinds[name] == "yours" else {}
    if st.button("Show", key="data.show", type="primary", help="Loads it; downloads it first where needed"):
        prepare(DataConfig(name=name, **settings))


def _shown(kinds: Mapping[str, str]) -> str:
    """The data set of the link, so that the form says what the page shows; the first one without."""
    job = st.query_params.get("job")
    try:
        named = str(api.get(job).config.get("name")) if job else ""
    except RunError:  # it was deleted: `show` says so, and the form stays
        named = ""
    return named if named in kinds else next(iter(kinds))


def first() -> None:
    """What is known already of the data set that the form begins with, before a choice is made."""
    config = DataConfig(name=next(iter(api.DATASETS)))
    if (record := api.prepared(config) or api.examples.data(config)) is not None and record.status == "done":
        if api.examples.is_one(record.id):
            st.caption(api.examples.mark(record))
        view.description(record)


def upload() -> None:
    files = st.file_uploader(
        "A .zip of class folders, an .npz of arrays, a .csv, .tsv or .parquet, or all files of a set that is several",
        key="data.file",
        accept_multiple_files=True,
        help="train/<class>/*.png, test/<class>/*.png; without test/ a stratified split is made. In an .npz x_train, "
        "y_train, x_test, y_test. Choose images and labels together where they are apart: x.npy and y.npy, IDX files, "
        "a zip of images with its labels.csv. Nothing is unpickled",
    )
    settings = answers.of_source()
    if len(files) > 1:
        st.caption(f"{len(files)} files, taken as one set: {api.together([file.name for file in files])}")
    if files and st.button("Load", key="data.upload", type="primary"):
        one = len(files) == 1
        sent = [(file.name, file) for file in files]
        prepare((api.upload(*sent[0]) if one else api.upload_together(sent)).replace(**settings))


def path() -> None:
    name = st.text_input("Path of a file or a folder on this machine", key="data.path", help=FORMS)
    settings = answers.of_source()
    if name and st.button("Load", key="data.load", type="primary"):
        prepare(DataConfig(name=name, **settings))


@live.fragment(run_every=live.EVERY)
def watch(job: str) -> None:
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    loading.progress(record)


def show(job: str) -> None:
    record = api.get(job)
    if not live.ended(record):
        watch(job)
    elif record.status == "done":
        view.description(record)
        if answer := answers.to_question(record):
            prepare(DataConfig(**record.config).replace(range=answer))
        st.code(api.command({"data": record.config}, verb="describe", stages=("data",)), language="bash")
    else:
        st.warning(
            words.plain(record.error) or f"Loading {words.plain(record.config['name'], 120)} was {record.status}."
        )
        if st.button("Try again", key="data.again"):
            prepare(DataConfig(**record.config))


st.title("Data", anchor=False)
try:
    ways = WAYS if api.visitors.current().role == "owner" else WAYS[:2]  # a path names what is not a guest's
    way = st.segmented_control("Where from", ways, default=ways[0], required=True, key="data.way", bind="query-params")
    {"Ready-made": ready_made, "Upload": upload, "Path": path}[way]()
    if job := st.query_params.get("job"):
        show(job)
    else:
        first()
except BallastError as error:
    st.error(words.plain(error))
