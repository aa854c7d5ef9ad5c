"""A run on the page: its head, its live part, and the numbers it ended with."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import api
from core.plots import bound, curves, eps_curve
from core.types import RunRecord
from core.ui import bar, glossary, live, naming, pace, words
from core.ui.chart import draw
from core.ui.lab import setup

QUIET_S = 10.0  # seconds without a sign of life that are not worth a word


def head(record: RunRecord) -> None:
    """Name, state, device and the buttons that fit the state."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(naming.title(record), anchor=False, width="content")
        st.badge(record.status, color=words.STATUS_COLOURS[record.status])
        st.caption(naming.origin(record), width="content")
        st.space("stretch")
        _buttons(record)
    if record.error:
        (st.error if record.status == "failed" else st.warning)(words.plain(record.error))
    _silence(record)
    if record.notes:
        st.caption("What happened to this run: " + " · ".join(map(words.plain, record.notes)))


def _silence(record: RunRecord) -> None:
    """Say for how long a running run has given no sign of life, and offer what helps."""
    seconds = api.silent(record.id) if record.status == "running" else None
    if seconds is None or seconds < QUIET_S:
        return
    patience = api.patience()
    after = f"after {words.duration(patience)} this is done by itself" if patience else "nothing is done by itself"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"No sign of life for {seconds:.0f} s: the worker is stopped, hangs, or the machine is very busy.")
        help = f"It goes on from its last checkpoint; {after}"
        if live.stop_button("Kill and requeue", record.id, "lab.restart", help):
            api.restart(record.id)
            st.rerun()


def _buttons(record: RunRecord) -> None:
    if not live.ended(record):
        if live.stop_button("Cancel", record.id, "lab.cancel", glossary.CANCEL):
            api.cancel(record.id)
            st.rerun()
        return
    resumable = record.status != "done" and record.resumable and api.visitors.may_change(record)
    if resumable and st.button("Resume", key="lab.resume", type="primary"):
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
    st.markdown(pace.steps(last.stage if last else "", record.status == "done", {e.stage for e in events}))
    if record.status == "queued":
        if api.cluster.used():
            st.progress(0.0, text=api.cluster.waits())
            return
        before = api.ahead(record.id)
        first = api.get(before[0]) if before else None
        st.progress(0.0, text=pace.waiting(first, len(before), live.events(first.id) if first else []))
    elif not live.ended(record):
        bar.progress(events)
        if price := pace.announced(events):
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
        figure = curves.live(curves.points(live.events(record.id)), others, epochs, *_look(record), api.naming.titles())
        draw(figure, "lab.curves", file)
        alike = "Thick is robust, thin is clean; references are trained alike"
        st.caption(f"{alike}. Robust: {naming.look(record)}. {words.claim('pgd')} · {naming.audit(record.id)}.")


def _look(record: RunRecord) -> tuple[str, str]:
    """Method and training of a run, which say how it is drawn."""
    return record.config["method"]["name"], record.config["training"]["name"]


def _references(record: RunRecord, found: Mapping[str, RunRecord | None]) -> None:
    """How far the reference runs are, or a button that queues those which are missing."""
    missing = [name for name, other in found.items() if other is None and record.config["method"]["name"] != name]
    going = [f"{name} {other.status}" for name, other in found.items() if other and not live.ended(other)]
    if going:
        st.caption(", ".join(going), width="content")
    elif missing:
        help = "Queues random and k-means images of the same number, and the full train split, other settings equal"
        if st.button("Add references", key="lab.references", help=help):
            api.submit_references(record.config)
            live.forget_references()
            st.rerun()


def results(record: RunRecord) -> None:
    """The numbers that a finished run stands for, with everything needed to judge them."""
    found = api.results.RunResult.of(record)
    others = {name: api.results.RunResult.of(other) for name, other in live.references(record).items() if other}
    with st.container(border=True):
        clean, robust, small, cover, cost = st.columns([3, 3, 2, 3, 2])
        for column, title, what, interval in (
            (clean, "Clean accuracy", "clean", "clean_interval"),
            (robust, "Robust accuracy", "robust", "interval"),
        ):
            with column:
                _accuracy(title, found, what, interval, others)
        small.metric("Condensed images", f"{found.budget or 0:,}")
        small.caption(f"of {found.train_images:,}")
        if found.radius is not None:
            cover.metric("Covering radius η", f"{found.radius:.3f}", help=glossary.RADIUS)
            cover.caption(words.guarantee(found))
        cost.metric("Time", words.duration(sum(record.seconds.values())))
        cost.caption(f"{record.peak_rss_mb:,.0f} MB at most")
        if found.certified_acc is not None:
            proven = f"**proven ≥ {words.percent(found.certified_acc)}** {words.between(found.certified_interval)}"
            st.caption(f"Robust accuracy of the same network, {proven}, by {found.certificate}")
        attack = words.claim(record.config["evaluation"]["attack"])
        told = f"Robust accuracy under {words.conditions(found)} · {attack} · **{naming.audit(record.id)}**"
        st.caption(told, help=glossary.N)
        if found.notes:
            st.caption("Notes: " + " · ".join(map(words.plain, found.notes)))


def _accuracy(
    title: str, found: api.results.RunResult, what: str, interval: str, others: Mapping[str, api.results.RunResult]
) -> None:
    """One accuracy with its 95 % interval, or of several networks the mean with the standard deviation."""
    networks, key, mean = found.networks, f"{what}_acc", f"{what}_mean"
    if len(networks) < 2:
        st.metric(title, words.percent(getattr(found, key)), help=glossary.OF_SHARE[what])
        st.caption(words.between(getattr(found, interval)) + words.beside(others, key))
        return
    st.metric(title, words.spread(getattr(found, mean), getattr(found, f"{what}_std")), help=glossary.OF_SHARE[what])
    each = ", ".join(f"{100 * getattr(row, key):.1f}" for row in networks)
    st.caption(f"mean ± standard deviation of {len(networks)} networks: {each}" + words.beside(others, mean))


def after(record: RunRecord, asked: tuple[str, float]) -> None:
    """What is measured once at the end: the eps-curve and what the covering says.

    asked  norm and budget that the form is set to, which the curve is read at
    """
    found, judged = api.results.RunResult.of(record), record.config["evaluation"]
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.markdown("**Robust accuracy against the budget ε**")
        others = {name: _curve(r) for name, r in live.references(record).items() if r}
        norm, eps = asked
        proven = api.results.rows(found.certified_curve)
        marked = eps if norm == judged["norm"] else None
        figure = eps_curve.chart(
            _curve(record), others, judged["norm"], found.eps, marked, proven, *_look(record), api.naming.titles()
        )
        draw(figure, "lab.eps_curve", f"{record.id}-eps-curve")
        if marked is not None:
            pair = eps_curve.around(_curve(record), marked)
            st.markdown(words.at_budget(pair, words.budget(marked, found.rgb and norm == "Linf"), found.curve_images))
        st.caption(f"{naming.curve(record)} {naming.audit(record.id).capitalize()}. {naming.differ(record)}")
    with right.container(border=True, height="stretch"):
        st.markdown("**Does the covering certify anything?**", help=glossary.SEPARATION)
        if found.radius is None or found.separation is None:
            st.caption("This method has no covering radius.")
        elif judged["norm"] != found.norm:
            norms = f"The balls are in {found.norm}, the attack in {judged['norm']}"
            st.caption(f"{norms}: the bound needs one norm for both.")
        else:
            numbers = {name: getattr(found, name) for name in ("radius", "eps", "separation", "norm")}
            draw(bound.chart(**numbers), "lab.bound", f"{record.id}-bound")
            st.caption(bound.verdict(**numbers))


def _curve(record: RunRecord) -> list[dict[str, Any]]:
    return api.results.rows(api.results.RunResult.of(record).curve)


def repeat(record: RunRecord) -> None:
    """The command that repeats the run, and what identifies it."""
    with st.container(border=True):
        st.markdown("**Repeat it from the command line**")
        st.code(api.command(record.config), language="bash", wrap_lines=True)
        known = record.data_hash or "not loaded yet"
        st.caption(f"Run `{record.id}` · data hash `{known}` · {naming.versions(record)}")
