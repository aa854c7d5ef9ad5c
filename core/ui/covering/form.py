"""The sidebar of the Covering page: data set, norm, radius or budget, attack budget, seed."""

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import streamlit as st

from core import api
from core.types import DataConfig, Norm, RunRecord
from core.ui import form, glossary, live, loading, naming, words
from core.ui.threat import usual

NORMS: tuple[Norm, ...] = ("L2", "Linf", "L1")
WAYS = ("Radius", "Budget")
SMALL = 3_000  # train images up to which a moved slider solves at once
FULL = {"L2": 0.5, "Linf": 1.0, "L1": 0.25}  # right end of the radius slider: share of the image space's diameter
RADII = {"L2": 0.6, "Linf": 0.5, "L1": 0.45}  # where the slider stands at first: share of its right end
BUDGETS = 100  # right end of the budget slider


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the sidebar says.

    config  settings of the cover as `api.covering.submit` takes them
    eps     attack budget that the cover is judged at, in its norm
    data    the finished description of the data set, and what it found
    small   whether a change solves at once
    """

    config: dict[str, Any]
    eps: float
    data: RunRecord
    small: bool

    @property
    def found(self) -> api.results.DataResult:
        return api.results.DataResult.of(self.data)


def data() -> DataConfig:
    """Draw the choice of the data set."""
    names = [name for name, row in api.DATASETS.items() if row.kind != "file"] + api.uploads()
    name = form.select(
        "Data set", names, "covering.data.name", "digits", titles=naming.titles(names), new=True,
        help="A name, or the path of an .npz, a folder or a zip. Uploads and previews: page Data",
    )  # fmt: skip
    skip = ("name", "seed", *(api.OF_SOURCE if name in api.DATASETS else ()))
    return DataConfig(name=name, **form.fields(DataConfig, "covering.data", skip=skip))


def ready(config: DataConfig) -> RunRecord | None:
    """The finished description of a data set; None while it loads, or waits for the reader's word to download it."""
    record, asked = api.prepared(config) or api.examples.data(config), st.session_state.get("covering.loading")
    if record is None and asked is not None and asked[0] == config:
        record = api.get(asked[1])  # it failed: asking again by itself would go on for ever
    if record is None or record.status == "interrupted":
        row = api.DATASETS.get(config.name)
        if (
            row is not None
            and row.kind == "download"
            and not st.button("Download and load", key="covering.download", type="primary")
        ):
            st.info(f"{row.title} was not loaded with these settings yet: it is downloaded first where needed.")
            return None
        record = api.get(api.prepare(config))
        st.session_state["covering.loading"] = (config, record.id)
    if record.status == "done" and (found := api.results.DataResult.of(record)).asks:
        st.warning(str(found.range["sentence"]))
        return None
    if record.status == "done":
        return record
    if live.ended(record):
        st.warning(words.plain(record.error) or f"Loading {words.plain(config.name, 120)} was {record.status}.")
        if st.button("Try again", key="covering.again"):
            del st.session_state["covering.loading"]
            st.rerun()
        return None
    _loading(record.id)
    return None


@live.fragment(run_every=0.3)
def _loading(job: str) -> None:
    record = api.get(job)
    if live.ended(record):
        st.rerun()
    loading.progress(record)


def settings(config: DataConfig, record: RunRecord) -> Chosen:
    """Draw norm, radius or budget, attack budget and seed."""
    norm = st.segmented_control(
        "Norm", list(NORMS), default=NORMS[0], required=True, key="covering.norm", bind="query-params",
        help=f"{glossary.NORM}. Of the balls and of the attack alike: the bound needs one norm for both",
    )  # fmt: skip
    way = st.segmented_control(
        "Fix", list(WAYS), default=WAYS[1], required=True, key="covering.fix", bind="query-params",
        help="Fix the radius and the centres are made few, or fix the centres per class and the radius is made small",
    )  # fmt: skip
    given = {"radius": _radius(record, norm)} if way == WAYS[0] else {"ipc": _budget(record)}
    eps = _eps(config, record, norm)
    seed = st.number_input("Seed", 0, value=0, key="covering.seed", bind="query-params", help="Of the local search")
    values = config.model_dump(mode="json")
    return Chosen(
        config=api.covering.settings(values, norm, seed=int(seed), **given), eps=eps, data=record,
        small=api.results.DataResult.of(record).train_images <= SMALL,
    )  # fmt: skip


def _radius(record: RunRecord, norm: Norm) -> float:
    """A slider up to a share of the diameter of the space of such images."""
    pixels = prod(api.results.DataResult.of(record).shape)
    end = FULL[norm] * {"L2": sqrt(pixels), "Linf": 1.0, "L1": pixels}[norm]
    step = next(s for s in (10.0, 5.0, 1.0, 0.5, 0.1, 0.05, 0.01) if end / s >= 50)
    top = round(end / step) * step
    start = round(round(RADII[norm] * top / step) * step, 4)
    key = f"covering.radius.{norm}"
    form.follow(key, start)
    if not 0 <= st.session_state.get(key, start) <= top:
        st.session_state[key] = start
    return st.slider(
        f"Covering radius η ({norm})", 0.0, round(top, 4), start, step, format="%.2f", key=key, bind="query-params",
        help=glossary.RADIUS, **form.noted(key),
    )  # fmt: skip


def _budget(record: RunRecord) -> int:
    top = max(2, min(BUDGETS, max(api.results.DataResult.of(record).train_counts)))
    if st.session_state.get("covering.ipc", 1) > top:
        st.session_state["covering.ipc"] = top
    return st.slider(
        "Centres per class", 1, top, min(10, top), key="covering.ipc", bind="query-params",
        help=f"{glossary.CENTRE}. Fewer where a class has fewer images",
    )  # fmt: skip


def _eps(config: DataConfig, record: RunRecord, norm: Norm) -> float:
    threat = usual(config.name, norm, api.results.DataResult.of(record).shape[0])
    unit, rgb = threat.unit, threat.rgb
    start = round(threat.eps * unit) if rgb else threat.eps
    key = f"covering.eps.{norm}"
    form.follow(key, start)
    return st.slider(
        f"Attack budget ε ({norm})", 0 if rgb else 0.0, round(threat.top * unit) if rgb else threat.top, start,
        1 if rgb else 0.01, format="%d/255" if rgb else "%.2f", key=key, bind="query-params",
        help=f"{glossary.EPS}. Drawn beside η and used by the bound; it changes no cover",
        **form.noted(key),
    ) / unit  # fmt: skip
