"""Evaluations and audits on the page: the state beside a number, the card of indicators, tables and curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import audit_card, eps_compare, per_class
from core.types import RunRecord
from core.ui import form, live, pick, words
from core.ui.chart import draw

STATES = {  # icon, colour and sentence: never colour alone
    "not run": ("○", "gray", "Nobody has asked yet whether this robust accuracy is real"),
    "running": ("…", "blue", "An audit is at work"),
    "trusted": ("✓", "green", "No indicator of the newest audit failed"),
    "doubtful": ("✕", "red", "At least one indicator of the newest audit failed: do not quote the number"),
}
VERDICTS = {"pass": ("✓ pass", "green"), "warn": ("! warn", "orange"), "fail": ("✕ fail", "red")}
ORDER = ("fail", "warn", "pass")
COLUMNS = 3
ATTACKS = {"autoattack": "AutoAttack", "strong": "PGD, two losses", "pgd": "PGD"}
MOST_CURVES = 6


def state_badge(run_id: str) -> None:
    """The state of a run's audit as a badge, to stand beside every robust accuracy of it."""
    state = api.audit_state(run_id)
    icon, colour, help = STATES[state]
    st.badge(f"{icon} audit: {state}", color=colour, help=f"{help}. See the page Audit")


def settings(record: RunRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw the form; the settings of an evaluation and of an audit, which share norm, ε and seed."""
    norm = pick.norm("audit", record, ("Linf", "L2", "L1"))
    eps = pick.eps("audit", record, norm, least=1)
    infos = {info.name: info for info in api.EvaluationConfig.describe()}
    with st.expander("Evaluation settings", key="audit.evaluation"):
        titles = {name: title for name, title in ATTACKS.items() if norm != "L1" or name != "autoattack"}
        attack = form.select("Attack", list(titles), "audit.attack", next(iter(titles)), titles=titles, help="")
        evaluation = {"norm": norm, "eps": eps, "attack": attack}
        for name, default in (("images", 300), ("attack_steps", 50), ("curve_points", 8), ("curve_images", 200)):
            evaluation[name] = form.widget(infos[name], f"audit.evaluation.{name}", default)
    with st.expander("Audit settings", key="audit.audit"):
        values = form.fields(api.AuditConfig, "audit.audit", skip=("norm", "eps"))
    return evaluation, {"norm": norm, "eps": eps, **values}


def command(record: RunRecord, auditing: Mapping[str, Any]) -> str:
    """The command line that repeats the audit this page is set to."""
    chosen = f"--norm {auditing['norm']} --eps {auditing['eps']:g} --eval-images {auditing['images']}"
    return f"python -m core audit --run {record.id} {chosen} --json"


@st.fragment(run_every=live.EVERY)
def waiting(jobs: Sequence[str]) -> None:
    """Progress of queued and running work with Cancel; draws the page anew when one ends."""
    records = [api.get(job) for job in jobs]
    if any(live.ended(record) for record in records):
        st.rerun()
    for record in records:
        events = live.events(record.id)
        last = events[-1] if events else None
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            share = last.done / last.total if last and last.total else 0.0
            title = "Evaluation" if record.kind == "evaluate" else "Audit"
            st.progress(min(share, 1.0), text=f"**{title}** · {words.progress(events)}")
            if st.button("Cancel", key=f"audit.cancel.{record.id}"):
                api.cancel(record.id)
                st.rerun()


def head(record: RunRecord, evaluated: RunRecord | None) -> None:
    """The run with the state of its audit, and the robust accuracy to quote, with everything it needs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(record.name or record.id, anchor=False, width="content")
        state_badge(record.id)
    with st.container(border=True):
        best = evaluated or record
        found = best.result
        clean, robust, note = st.columns([1, 1, 2], vertical_alignment="center")
        for column, title, key, interval in (
            (clean, "Clean accuracy", "clean_acc", "clean_interval"),
            (robust, "Robust accuracy", "robust_acc", "interval"),
        ):
            column.metric(title, words.percent(found.get(key)))
            column.caption(words.between(found.get(interval)))
        note.markdown(_weight(found))
        note.caption(f"{words.conditions(found)} · {words.ago(best.created)}")
        if found.get("notes"):
            st.caption("Notes: " + " · ".join(found["notes"]))


def _weight(found: dict[str, Any]) -> str:
    """How much a number can carry, in words."""
    if str(found.get("attack", "")).startswith("AutoAttack"):
        return "**AutoAttack**: the number to publish, once the audit says it can be trusted."
    return "**PGD only**: an upper bound. Press *Evaluate* for AutoAttack."


def card(record: RunRecord) -> None:
    """Every indicator with verdict, value, rule, meaning and picture, those that fired first."""
    report = api.audit_report(record)
    state, fired = report.state, len(report.fired)
    icon, colour, help = STATES[state]
    counts = {verdict: sum(i.verdict == verdict for i in report.indicators) for verdict in ORDER}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Audit: is the robustness real?", anchor=False, width="content")
        st.badge(f"{icon} {state}", color=colour, help=help)
    words_of = {"trusted": "No indicator failed", "doubtful": f"{fired} of {len(report.indicators)} indicators failed"}
    st.markdown(
        f"{words_of[state]}: {counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail. "
        f"Worst case over everything the audit ran: **{words.percent(report.robust.value)}** robust "
        f"({words.between(report.robust.interval)}), {words.percent(report.clean.value)} clean."
    )
    st.caption(f"{words.conditions(record.result)} · {words.duration(report.seconds)} · {words.ago(record.created)}")
    ordered = sorted(report.indicators, key=lambda i: ORDER.index(i.verdict))
    for start in range(0, len(ordered), COLUMNS):
        for column, found in zip(st.columns(COLUMNS), ordered[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _indicator(found)
    if report.notes:
        st.caption("Notes: " + " · ".join(report.notes))


def _indicator(found: Any) -> None:
    text, colour = VERDICTS[found.verdict]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{found.title}**", width="stretch")
        st.badge(text, color=colour)
    st.markdown(_amount(found.value, found.unit))
    st.markdown(found.meaning)
    if len(found.series) > 1:
        draw(audit_card.picture(found.series, found.title), f"audit.picture.{found.name}", None)
    st.caption(f"Passes when {found.rule}.")


def _amount(value: float, unit: str) -> str:
    """What was measured, as a phrase."""
    number = f"{value:.3g}".replace("-", "−")
    if unit.startswith("%"):
        return f"**{number} %**{unit[1:]}"
    return f"**{number}** {unit}" if unit.startswith("points") else f"{unit.capitalize()}: **{number}**"


def attacks(record: RunRecord) -> None:
    """What every attack of an evaluation did, and the accuracy of every class."""
    left, right = st.columns(2)
    found = record.result
    with left.container(border=True, height="stretch"):
        st.markdown("**What each attack did**, in the order they ran")
        rows = found.get("attacks", ())
        columns = {
            "attack": [row["name"] for row in rows],
            "given": [row["images"] for row in rows],
            "broken": [row["broken"] for row in rows],
            "left": [row["images"] - row["broken"] for row in rows],
            "seconds": [row["seconds"] for row in rows],
            "queries": [row["queries"] for row in rows],
        }
        st.dataframe(
            pa.table(columns), hide_index=True, alt="Attacks with images given, broken and left, time and queries",
            column_config={"seconds": st.column_config.NumberColumn(format="%.1f s")},
        )  # fmt: skip
        wrong = round(found["eval_images"] * (1 - found["clean_acc"]))
        st.caption(
            f"Images are test images; {wrong} of {found['eval_images']} were wrong without an attack and count as not "
            "robust. Each attack is given what all before it left. Queries are images shown to the model."
        )
    with right.container(border=True, height="stretch"):
        st.markdown("**Accuracy of each class**: bar robust with its 95 % interval, mark clean")
        draw(per_class.chart(found.get("by_class", ()), found["classes"]), "audit.classes", f"{record.id}-classes")
        st.caption(words.conditions(found))


def history(found: Sequence[RunRecord]) -> RunRecord | None:
    """All finished evaluations to choose from; the newest one under AutoAttack, else the newest, at first."""
    if not found:
        return None
    names = {record.id: _short(record) for record in found}
    first = next((r.id for r in found if r.result["attack"].startswith("AutoAttack")), found[0].id)
    if len(found) == 1:
        return found[0]
    chosen = st.selectbox("Evaluation", list(names), list(names).index(first), names.get, "audit.chosen." + first)
    return next(record for record in found if record.id == chosen)


def _short(record: RunRecord) -> str:
    result = record.result
    return f"{words.percent(result['robust_acc'])} · {words.conditions(result)} · {words.ago(record.created)}"


def curves(record: RunRecord) -> None:
    """ε-curves of this run and of others that were judged in the same norm."""
    norm = record.config["evaluation"]["norm"]
    runs = [r for r in api.runs(status=("done",)) if r.config["evaluation"]["norm"] == norm and r.result.get("curve")]
    runs = [r for r in runs if r.result.get("data") == record.result.get("data")]
    names = dict(zip((r.id for r in runs), words.distinct([r.name or r.id for r in runs]), strict=True))
    if record.id not in names:
        return
    with st.container(border=True):
        st.markdown("**Robust accuracy against the budget ε**, with 95 % intervals")
        others = [run_id for run_id in names if run_id != record.id]
        more = st.multiselect("Beside this run", others, others[:2], format_func=names.get, max_selections=MOST_CURVES,
                              key=f"audit.beside.{record.id}", disabled=not others,
                              placeholder="no other run on these data in this norm yet")  # fmt: skip
        shown = [r for r in runs if r.id == record.id] + [r for r in runs if r.id in more]
        found = {names[r.id]: r.result["curve"] for r in shown}
        images = {names[r.id]: r.result["curve_images"] for r in shown}
        audited = api.audit_of(record.id)
        bounds = audited.result if audited else {}
        proven = {names[record.id]: bounds["certified"]} if bounds.get("certified") and norm == "Linf" else {}
        draw(eps_compare.chart(found, images, norm, proven), "audit.curves", f"{record.id}-eps-curves")
        st.caption(_proven(bounds, norm))
        for r in shown:
            st.caption(f"**{names[r.id]}**: {words.curve(r)} · audit: {api.audit_state(r.id)}")


def _proven(bounds: Mapping[str, Any], norm: str) -> str:
    """What the band down to the bound means, or why there is none."""
    if norm != "Linf":
        return "No certified bound: intervals prove something in Linf only."
    if bounds.get("certified_note"):
        return f"No certified bound: {bounds['certified_note']}."
    if not bounds.get("certified"):
        return "No certified bound yet: *Audit* proves what interval bounds can."
    images = f"{bounds['certified_images']:,} test images"
    reach = max((point["eps"] for point in bounds["certified"] if point["value"] > 0), default=0.0)
    return (
        f"Pale band: between what interval bounds prove and what attacks leave, on the same {images}; the truth lies "
        f"within. These bounds prove nothing beyond ε {reach:.3g} here. They are loose for a network that was not "
        "trained for them: a proof of nothing says nothing against it."
    )
