"""What the Covering page shows of one cover: how the solve goes, the certificate, and what the bound says."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import api
from core.plots import bound
from core.types import RunRecord
from core.ui import covering_map, live, words
from core.ui.chart import draw
from core.ui.covering_form import Chosen

EVERY = 0.4  # seconds between two looks at a solve
SEPARATION = "The smallest distance between train images of different classes, in the norm of the balls"
MIXED = "Balls that contain a train image of another class"


def current(chosen: Chosen, cover_now: bool) -> RunRecord | None:
    """The cover of these settings: found, or solved at once for small data, else when asked for.

    A solve that this session began at other settings is cancelled when a new one begins.
    """
    record = api.covering.find(chosen.config)
    again = cover_now and (record is None or live.ended(record))
    if again or (record is None and chosen.small):
        before = st.session_state.get("covering.job")
        job = api.covering.submit(chosen.config, instead_of=before if _known(before) else None)
        st.session_state["covering.job"] = job
        return api.get(job)
    if record is not None:
        st.session_state["covering.job"] = record.id
    return record


def _known(job: str | None) -> bool:
    return job is not None and any(record.id == job for record in api.runs(kind="covering"))


@st.fragment(run_every=EVERY)
def solving(job: str) -> None:
    """The numbers of the moment, the map with what is uncovered, and Stop; draws the page anew at the end."""
    record = api.covering.settle(job)
    found = api.covering.cover(job)
    if live.ended(record) or found is not None:
        st.rerun()
    events = live.events(job)
    values = next((event.values for event in reversed(events) if "centres" in event.values), {})
    without = int(values.get("classes_without_cover", 1))
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            last = events[-1] if events else None
            st.progress(last.done / last.total if last and last.total else 0.0, text=words.progress(events))
            _end(job, without)
        if values:
            _moment(record, values)
    left, right = st.columns([3, 2])
    with left:
        covering_map.solving(record)
    if (picture := api.image(job)) is not None:
        with right.container(border=True):
            st.markdown("**Centres of the moment**, by class")
            st.image(picture, output_format="PNG", width="stretch", alt="Centres of the best cover so far")


def _end(job: str, without: int) -> None:
    """Stop keeps what there is; before every class has a cover there is nothing to keep."""
    if without:
        if st.button("Cancel", key="covering.cancel", help="No class has to be covered yet: nothing is kept"):
            api.cancel(job)
            st.rerun(scope="fragment")
    elif st.button("Stop", key="covering.stop", help="Keeps the best cover so far, with its honest bound and gap"):
        api.covering.stop(job)
        st.rerun(scope="fragment")


def _moment(record: RunRecord, values: Mapping[str, float]) -> None:
    norm, budget = record.config["method"]["options"]["norm"], record.config["method"]["options"]["radius"] is None
    centres, radius, lower, gap, open_ = st.columns(5)
    centres.metric("Centres", f"{values['centres']:,.0f}")
    radius.metric(f"Radius η ({norm})", f"{values['radius']:.3f}")
    unit = "radius" if budget else "centres"
    lower.metric(
        f"Proven lower bound ({unit})", f"{values['lower_bound']:.3f}" if budget else f"{values['lower_bound']:,.0f}"
    )
    gap.metric("Gap", words.percent(values.get("gap")))
    open_.metric("Images uncovered", f"{values.get('uncovered', 0):,.0f}")
    if values.get("classes_without_cover"):
        open_.caption(f"{values['classes_without_cover']:.0f} classes without a cover yet")


def card(found: Mapping[str, Any]) -> None:
    """The certificate: what was found, how far it can be from the best, and that the pixels agree."""
    with st.container(border=True):
        centres, radius, gap, separation, mixed = st.columns(5)
        centres.metric("Centres", f"{found['budget']:,}")
        centres.caption(_bound_of_k(found))
        radius.metric(f"Covering radius η ({found['norm']})", f"{found['radius']:.4g}")
        radius.caption(_bound_of_radius(found))
        gap.metric("Proven gap", "none known" if found["gap"] is None else words.percent(found["gap"]))
        gap.caption("proven optimal" if found["proven"] else "to the proven lower bound")
        if "separation" in found:
            value = found["separation"]
            separation.metric("Separation", "one class" if value is None else f"{value:.4g}", help=SEPARATION)
            mixed.metric("Mixed balls", f"{found['mixed_balls']:,} of {found['budget']:,}", help=MIXED)
        _valid(found)


def _bound_of_k(found: Mapping[str, Any]) -> str:
    lower = found.get("lower_bound_k")
    of = f"of {found['train_images']:,} train images"
    return f"{of}; proven ≥ {lower:,}" if lower is not None else of


def _bound_of_radius(found: Mapping[str, Any]) -> str:
    lower = found.get("lower_bound_radius")
    asked = f"asked for {found['radius_asked']:g}" if found.get("radius_asked") is not None else ""
    return f"pixels of [0, 1]; proven ≥ {lower:.4g}" if lower is not None else f"pixels of [0, 1]; {asked}"


def _valid(found: Mapping[str, Any]) -> None:
    if not found["valid"]:
        st.error("Certificate violated: " + "; ".join(found["violations"]))
        return
    how = "in whole grey steps, no tolerance" if found["exact"] else "in float64, tolerance 1e-12"
    words_of = f":green[**Certificate valid**]: {found['train_images']:,} distances taken again from the pixels, {how}."
    if found["stopped"]:
        words_of += " **Stopped early**: the best cover so far, with the bound that was proven until then."
    if found.get("time_limit_struck"):
        words_of += " The time limit per class ended a search early."
    st.markdown(words_of)


def verdict(record: RunRecord, found: Mapping[str, Any], eps: float) -> None:
    """eps and radius beside half the separation."""
    if found.get("separation") is None:
        return
    with st.container(border=True, height="stretch"):
        st.markdown("**Does the covering certify anything?**")
        numbers = {"radius": found["radius"], "eps": eps, "separation": found["separation"], "norm": found["norm"]}
        draw(bound.chart(**numbers), "covering.bound", f"{record.id}-bound")
        st.caption(bound.verdict(**numbers))


@st.fragment(run_every=1.0)
def waiting(job: str) -> None:
    """What is still computed after the cover itself; draws the page anew when that ends."""
    record = api.covering.settle(job)
    if live.ended(record) or st.session_state.get("covering.mapped") != (job, live.map_of(job) is not None):
        st.session_state["covering.mapped"] = (job, live.map_of(job) is not None)
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"The cover is final. Still computing: {words.progress(live.events(job))}", width="stretch")
        if st.button("Leave out the rest", key="covering.rest"):
            api.cancel(job)


def repeat(config: Mapping[str, Any]) -> None:
    """The command that solves the same cover."""
    with st.container(border=True):
        st.markdown("**Repeat it from the command line**")
        st.code(api.command(config, verb="condense", stages=("data", "method")), language=None, wrap_lines=True)
