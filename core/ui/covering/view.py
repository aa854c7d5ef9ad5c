"""What the Covering page shows of one cover: how the solve goes, the certificate, and what the bound says."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import api
from core.errors import RunError
from core.plots import bound
from core.types import EventRow, RunRecord
from core.ui import bar, glossary, live, naming, pace, words
from core.ui.chart import draw
from core.ui.covering import map_view
from core.ui.covering.form import Chosen

EVERY = 0.4  # seconds between two looks at a solve


def current(chosen: Chosen, cover_now: bool) -> RunRecord | None:
    """The cover of these settings: found, or solved at once for small data, else when asked for.

    A solve that this session began at other settings is cancelled when a new one begins.
    """
    record = api.covering.find(chosen.config) or api.covering.example(chosen.config)
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


def before(record: RunRecord) -> RunRecord | None:
    """The last cover of the same images in the same norm that this session saw; an ended one is that from now on."""
    if live.ended(record):
        st.session_state["covering.shown"] = record.id
        return None
    try:
        last = api.get(st.session_state.get("covering.shown", ""))
    except RunError:  # it was deleted since, or there was none
        return None
    same = not record.data_hash or last.data_hash == record.data_hash
    return last if same and _asked(last) == _asked(record) else None


def _asked(record: RunRecord) -> tuple[Any, str]:
    return record.config["data"], record.config["method"]["options"]["norm"]


def head(job: str, last: RunRecord | None) -> None:
    """Progress, numbers and map of a cover, in the same places whether it is looked for, measured or whole.

    last  the cover that was on the page before; its map stays, grey, until this one has its own
    """
    record, found = api.covering.settle(job), api.covering.cover(job)
    stamp = (job, found is not None, live.ended(record), api.map_stamp(job))
    before, st.session_state["covering.drawn"] = st.session_state.get("covering.drawn"), stamp
    if before is not None and before[0] == job and before != stamp:
        st.rerun()
    events = live.events(job)
    with st.container(key="covering.strip", horizontal=True, vertical_alignment="center"):
        if found is None:
            bar.progress(events)
        else:
            still = f"The cover is final. Still computing: {pace.line(events)}"
            st.caption(naming.origin(record) if live.ended(record) else still, width="stretch")
        _end(record, events, found is not None)
    with st.container(key="covering.whole"):
        with st.container(key="covering.numbers"):
            if found is None:
                _moment(record, _newest(events))
            else:
                card(found)
        with st.container(key="covering.pictures"):
            if found is None:
                live.fragment(map_view.solving)(record, last)
            else:
                map_view.view(record, found.classes, last)


def every(record: RunRecord) -> float | None:
    """Seconds between two looks at a cover: none when it is whole, few while it is looked for."""
    return None if live.ended(record) else EVERY if api.covering.cover(record.id) is None else 1.0


def _newest(events: Sequence[EventRow]) -> Mapping[str, float]:
    return next((event.values for event in reversed(events) if "centres" in event.values), {})


def _end(record: RunRecord, events: Sequence[EventRow], final: bool) -> None:
    """Stop keeps what there is; before every class has a cover there is nothing to keep, and after it the rest goes."""
    job = record.id
    if live.ended(record):
        return
    if final:
        if live.stop_button("Leave out the rest", job, "covering.rest"):
            api.cancel(job)
    elif _newest(events).get("classes_without_cover", 1):
        if live.stop_button("Cancel", job, "covering.cancel", glossary.CANCEL):
            api.cancel(job)
            st.rerun()
    elif live.stop_button("Stop", job, "covering.stop", glossary.STOP):
        api.covering.stop(job)
        st.rerun()


def _moment(record: RunRecord, values: Mapping[str, float]) -> None:
    """As `card`, of the best cover so far; what is not known yet is a dash."""
    norm, budget = record.config["method"]["options"]["norm"], record.config["method"]["options"]["radius"] is None

    def known(name: str, form: str) -> str:
        return format(values[name], form) if name in values else "–"

    with st.container(border=True, key="covering.card"):
        centres, radius, lower, gap, open_ = st.columns(5)
        centres.metric("Centres", known("centres", ",.0f"), help=glossary.CENTRE)
        centres.caption("so far")
        radius.metric(f"Covering radius η ({norm})", known("radius", ".3f"), help=glossary.RADIUS)
        radius.caption("so far")
        lower.metric(
            f"Proven lower bound ({'radius' if budget else 'centres'})",
            known("lower_bound", ".3f" if budget else ",.0f"),
        )
        lower.caption("no cover can be below it")
        gap.metric("Proven gap", words.percent(values.get("gap")), help=glossary.GAP)
        gap.caption("to the proven lower bound")
        open_.metric("Images uncovered", known("uncovered", ",.0f"))
        open_.caption(f"{known('classes_without_cover', '.0f')} classes without a cover")
        st.markdown("The certificate follows once the cover is found.")


def card(found: api.results.CoverResult) -> None:
    """The certificate: what was found, how far it can be from the best, and that the pixels agree."""
    with st.container(border=True, key="covering.card"):
        centres, radius, gap, separation, mixed = st.columns(5)
        centres.metric("Centres", f"{found.budget:,}", help=glossary.CENTRE)
        centres.caption(_bound_of_k(found))
        radius.metric(f"Covering radius η ({found.norm})", f"{found.radius:.4g}", help=glossary.RADIUS)
        radius.caption(_bound_of_radius(found))
        gap.metric("Proven gap", "none known" if found.gap is None else words.percent(found.gap), help=glossary.GAP)
        gap.caption("proven optimal" if found.proven else "to the proven lower bound")
        value = "…" if found.mixed_balls is None else "one class"
        value = value if found.separation is None else f"{found.separation:.4g}"
        separation.metric("Separation", value, help=glossary.SEPARATION)
        separation.caption("between two classes")
        of = "…" if found.mixed_balls is None else f"{found.mixed_balls:,} of {found.budget:,}"
        mixed.metric("Mixed balls", of, help=glossary.MIXED)
        mixed.caption("hold an image of another class")
        _valid(found)


def _bound_of_k(found: api.results.CoverResult) -> str:
    lower = found.lower_bound_k
    of = f"of {found.train_images:,} train images"
    return f"{of}; proven ≥ {lower:,}" if lower is not None else of


def _bound_of_radius(found: api.results.CoverResult) -> str:
    lower = found.lower_bound_radius
    asked = f"asked for {found.radius_asked:g}" if found.radius_asked is not None else ""
    return f"pixels of [0, 1]; proven ≥ {lower:.4g}" if lower is not None else f"pixels of [0, 1]; {asked}"


def _valid(found: api.results.CoverResult) -> None:
    if not found.valid:
        st.error("Certificate violated: " + "; ".join(found.violations))
        return
    how = "in whole grey steps, no tolerance" if found.exact else "in float64, tolerance 1e-12"
    words_of = f":green[**Certificate valid**]: {found.train_images:,} distances taken again from the pixels, {how}."
    if found.stopped:
        words_of += " **Stopped early**: the best cover so far, with the bound that was proven until then."
    if found.time_limit_struck:
        words_of += " The time limit per class ended a search early."
    st.markdown(words_of)


def verdict(record: RunRecord, found: api.results.CoverResult, eps: float) -> None:
    """eps and radius beside half the separation."""
    if found.separation is None or found.radius is None or found.norm is None:
        return
    with st.container(border=True, height="stretch"):
        st.markdown("**Does the covering certify anything?**")
        radius, separation, norm = found.radius, found.separation, found.norm
        figure = bound.chart(radius=radius, eps=eps, separation=separation, norm=norm)
        draw(figure, "covering.bound", f"{record.id}-bound")
        st.caption(bound.verdict(radius=radius, eps=eps, separation=separation, norm=norm))
        if found.nearest_images:
            far = "any move" if found.nearest_median is None else f"{found.nearest_median:.3g}"
            told = f"{bound.beside(radius, separation)} " if norm == "L2" else ""
            st.caption(
                f"{told}Nearest neighbour (L2) on these centres proves something image by image: "
                f"{words.percent(found.nearest_right)} of {found.nearest_images:,} test images stay right within a "
                f"proven radius, the median image within {far} ({norm})."
            )


def repeat(config: Mapping[str, Any]) -> None:
    """The command that solves the same cover."""
    with st.container(border=True):
        st.markdown("**Repeat it from the command line**")
        st.code(api.command(config, verb="condense", stages=("data", "method")), language=None, wrap_lines=True)
