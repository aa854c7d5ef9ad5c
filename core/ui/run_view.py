"""A run on the page: its head, its live part, and the numbers it ended with."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import api
from core.plots import bound, curves, eps_curve
from core.types import RunRecord
from core.ui import live, setup, words
from core.ui.chart import draw

SEPARATION = (
    "The separation is the smallest distance between train images of different classes. A cover bounds the adversarial "
    "loss at ε by the loss at ε + η around its images; where that passes half the separation, the bound says little"
)
RADIUS = (
    "Every train image lies within η of a condensed image of its own class. "
    "Not the attack budget ε, which says how far an attack may move an image"
)


def head(record: RunRecord) -> None:
    """Name, state, device and the buttons that fit the state."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(record.name or record.id, anchor=False, width="content")
        st.badge(record.status, color=words.STATUS_COLOURS[record.status])
        st.caption(f"{record.device or api.device()} · {words.ago(record.created)}", width="content")
        st.space("stretch")
        _buttons(record)
    if record.error:
        (st.error if record.status == "failed" else st.warning)(record.error)


def _buttons(record: RunRecord) -> None:
    if not live.ended(record):
        if st.button("Cancel", key="lab.cancel"):
            api.cancel(record.id)
            st.rerun()
        return
    if record.status != "done" and record.resumable and st.button("Resume", key="lab.resume", type="primary"):
        api.resume(record.id)
        st.rerun()
    st.button(
        "Copy settings",
        key="lab.copy",
        on_click=setup.fill,
        args=(record.config,),
        help="Put the settings of this run into the form at the left",
    )
    if st.button("Run again", key="lab.again", help="Queue a new run with the same settings"):
        live.remember(api.again(record.id))
        st.rerun()


def progress(record: RunRecord) -> None:
    """Stages, a bar, and stage, count, rate and time left in words."""
    events = live.events(record.id)
    last = events[-1] if events else None
    st.markdown(words.steps(last.stage if last else "", record.status == "done"))
    if not live.ended(record):
        st.progress(last.done / last.total if last and last.total else 0.0, text=words.progress(events))
        if price := words.announced(events):
            st.caption(price)


def mosaic(record: RunRecord) -> None:
    """The condensed images, one row per class, at this moment."""
    with st.container(border=True, height="stretch"):
        st.markdown("**Condensed images**, one row per class")
        picture = api.image(record.id)
        if picture is None:
            st.caption("They appear here while they form. Points in the plane have no picture: see the map.")
        else:
            st.image(picture, output_format="PNG", width="stretch", alt="Condensed images, one row per class")


def accuracies(record: RunRecord) -> None:
    """Clean and robust accuracy against epoch, with the references where such runs exist."""
    with st.container(border=True, height="stretch"):
        found = live.references(record)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Accuracy while training**, with 95 % intervals", width="stretch")
            _references(record, found)
        others = {name: curves.points(live.events(other.id)) for name, other in found.items() if other}
        epochs = int(record.config["training"]["options"].get("epochs", 1))
        file = None if live.moving(record) else f"{record.id}-curves"
        draw(curves.live(curves.points(live.events(record.id)), others, epochs), "lab.curves", file)
        st.caption(f"Robust: {words.look(record)}. {words.claim('pgd')} · {words.audit(record.id)}.")


def _references(record: RunRecord, found: Mapping[str, RunRecord | None]) -> None:
    """How far the reference runs are, or a button that queues those which are missing."""
    missing = [name for name, other in found.items() if other is None and record.config["method"]["name"] != name]
    going = [f"{name} {other.status}" for name, other in found.items() if other and not live.ended(other)]
    if going:
        st.caption(", ".join(going), width="content")
    elif missing:
        help = "Queues random images of the same number, and the full train split, with otherwise equal settings"
        if st.button("Add references", key="lab.references", help=help):
            api.submit_references(record.config)
            live.forget_references()
            st.rerun()


def results(record: RunRecord) -> None:
    """The numbers that a finished run stands for, with everything needed to judge them."""
    found = record.result
    others = {name: other.result for name, other in live.references(record).items() if other}
    with st.container(border=True):
        clean, robust, small, cover, cost = st.columns([3, 3, 2, 3, 2])
        for column, title, what, interval in (
            (clean, "Clean accuracy", "clean", "clean_interval"),
            (robust, "Robust accuracy", "robust", "interval"),
        ):
            with column:
                _accuracy(title, found, what, interval, others)
        small.metric("Condensed images", f"{found.get('budget') or 0:,}")
        small.caption(f"of {found.get('train_images', 0):,}")
        if found.get("radius") is not None:
            cover.metric("Covering radius η", f"{found['radius']:.3f}", help=RADIUS)
            cover.caption(words.guarantee(found))
        cost.metric("Time", words.duration(sum(record.seconds.values())))
        cost.caption(f"{record.peak_rss_mb:,.0f} MB at most")
        attack = words.claim(record.config["evaluation"]["attack"])
        st.caption(f"Robust accuracy under {words.conditions(found)} · {attack} · **{words.audit(record.id)}**")
        if found.get("notes"):
            st.caption("Notes: " + " · ".join(found["notes"]))


def _accuracy(
    title: str, found: Mapping[str, Any], what: str, interval: str, others: Mapping[str, Mapping[str, Any]]
) -> None:
    """One accuracy with its 95 % interval, or of several networks the mean with the standard deviation."""
    networks, key, mean = found.get("networks", ()), f"{what}_acc", f"{what}_mean"
    if len(networks) < 2:
        st.metric(title, words.percent(found.get(key)))
        st.caption(words.between(found.get(interval)) + words.beside(others, key))
        return
    st.metric(title, words.spread(found[mean], found[f"{what}_std"]))
    each = ", ".join(f"{100 * row[key]:.1f}" for row in networks)
    st.caption(f"mean ± standard deviation of {len(networks)} networks: {each}" + words.beside(others, mean))


def after(record: RunRecord) -> None:
    """What is measured once at the end: the eps-curve and what the covering says."""
    found, judged = record.result, record.config["evaluation"]
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown("**Robust accuracy against the budget ε**")
        others = {name: r.result.get("curve", ()) for name, r in live.references(record).items() if r}
        figure = eps_curve.chart(found.get("curve", ()), others, judged["norm"], found.get("eps"))
        draw(figure, "lab.eps_curve", f"{record.id}-eps-curve")
        st.caption(f"{words.curve(record)} {words.audit(record.id).capitalize()}.")
    with right.container(border=True, height="stretch"):
        st.markdown("**Does the covering certify anything?**", help=SEPARATION)
        if found.get("radius") is None or found.get("separation") is None:
            st.caption("This method has no covering radius.")
        elif judged["norm"] != found["norm"]:
            norms = f"The balls are in {found['norm']}, the attack in {judged['norm']}"
            st.caption(f"{norms}: the bound needs one norm for both.")
        else:
            numbers = {name: found[name] for name in ("radius", "eps", "separation", "norm")}
            draw(bound.chart(**numbers), "lab.bound", f"{record.id}-bound")
            st.caption(bound.verdict(**numbers))


def repeat(record: RunRecord) -> None:
    """The command that repeats the run, and what identifies it."""
    with st.container(border=True):
        st.markdown("**Repeat it from the command line**")
        st.code(api.command(record.config), language="bash", wrap_lines=True)
        st.caption(f"Run `{record.id}` · data hash `{record.data_hash or 'not loaded yet'}` · {words.versions(record)}")
