"""Evaluations and audits on the page: the form, tables and curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import streamlit as st

from core import api
from core.plots import eps_compare, per_class
from core.types import RunRecord
from core.ui import bar, form, glossary, live, naming, run_picker, trust, words
from core.ui.chart import draw, headings

ATTACKS = {"autoattack": "AutoAttack", "strong": "PGD, two losses", "pgd": "PGD"}
MOST_CURVES = 6


def settings(record: RunRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw the form; the settings of an evaluation and of an audit, which share norm, ε and seed."""
    norm = run_picker.norm("audit", record, ("Linf", "L2", "L1"))
    eps = run_picker.eps("audit", record, norm, least=1)
    infos = {info.name: info for info in api.EvaluationConfig.describe()}
    with st.expander("Evaluation settings", key="audit.evaluation"):
        attack = form.select(
            "Attack", list(ATTACKS), "audit.attack", next(iter(ATTACKS)), titles=ATTACKS, help=glossary.AUTOATTACK
        )
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


@live.fragment(run_every=live.EVERY)
def waiting(jobs: Sequence[str]) -> None:
    """Progress of queued and running work with Cancel; draws the page anew when one ends."""
    records = [api.get(job) for job in jobs]
    if any(live.ended(record) for record in records):
        st.rerun()
    for record in records:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            bar.progress(live.events(record.id), "Evaluation" if record.kind == "evaluate" else "Audit")
            bar.cancel(record.id, f"audit.cancel.{record.id}")


def head(record: RunRecord, evaluated: RunRecord | None) -> None:
    """The run with the state of its audit, and the robust accuracy to quote, with everything it needs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(naming.title(record), anchor=False, width="content")
        trust.state_badge(record.id)
    with st.container(border=True):
        best = evaluated or record
        found = api.results.evaluated(best)
        clean, robust, note = st.columns([1, 1, 2], vertical_alignment="center")
        for column, title, key, interval in (
            (clean, "Clean accuracy", "clean_acc", "clean_interval"),
            (robust, "Robust accuracy", "robust_acc", "interval"),
        ):
            column.metric(title, words.percent(getattr(found, key)), help=glossary.OF_SHARE[key.partition("_")[0]])
            column.caption(words.between(getattr(found, interval)))
        note.markdown(_weight(found))
        note.caption(f"{words.conditions(found)} · {words.ago(best.created)}", help=glossary.N)
        if found.notes:
            st.caption("Notes: " + " · ".join(map(words.plain, found.notes)))


def _weight(found: api.results.Judged) -> str:
    """How much a number can carry, in words."""
    if found.attack.startswith("AutoAttack"):
        return "**AutoAttack**: the number to publish, once the audit says it can be trusted."
    return "**PGD only**: an upper bound. Press *Evaluate* for AutoAttack."


def attacks(record: RunRecord) -> None:
    """What every attack of an evaluation did, and the accuracy of every class."""
    left, right = st.columns(2)
    found = api.results.evaluated(record)
    with left.container(border=True, height="stretch"):
        st.markdown("**What each attack did**, in the order they ran")
        rows = found.attacks
        columns = {
            "attack": [row.name for row in rows],
            "given": [row.images for row in rows],
            "broken": [row.broken for row in rows],
            "left": [row.images - row.broken for row in rows],
            "seconds": [row.seconds for row in rows],
            "queries": [row.queries for row in rows],
        }
        st.dataframe(
            pa.table(columns), hide_index=True, alt="Attacks with images given, broken and left, time and queries",
            column_config=headings(columns, seconds=st.column_config.NumberColumn(format="%.1f s")),
        )  # fmt: skip
        wrong = "" if found.clean_acc is None else f"{round(found.eval_images * (1 - found.clean_acc))} of "
        st.caption(
            f"Images are test images; {wrong}{found.eval_images} were wrong without an attack and count as not "
            "robust. Each attack is given what all before it left. Queries are images shown to the model."
        )
    with right.container(border=True, height="stretch"):
        st.markdown("**Accuracy of each class**: bar robust with its 95 % interval, mark clean")
        draw(per_class.chart(api.results.rows(found.by_class), found.classes), "audit.classes", f"{record.id}-classes")
        st.caption(words.conditions(found))


def history(found: Sequence[RunRecord]) -> RunRecord | None:
    """All finished evaluations to choose from; the newest one under AutoAttack, else the newest, at first."""
    if not found:
        return None
    names = {record.id: _short(record) for record in found}
    first = next((r.id for r in found if api.results.evaluated(r).attack.startswith("AutoAttack")), found[0].id)
    if len(found) == 1:
        return found[0]
    chosen = st.selectbox(
        "Evaluation", list(names), list(names).index(first), lambda run: names[run], "audit.chosen." + first
    )
    return next(record for record in found if record.id == chosen)


def _short(record: RunRecord) -> str:
    found = api.results.evaluated(record)
    return f"{words.percent(found.robust_acc)} · {words.conditions(found)} · {words.ago(record.created)}"


def curves(record: RunRecord) -> None:
    """ε-curves of this run and of others that were judged in the same norm."""
    norm = record.settings["evaluation"]["norm"]
    runs = [r for r in api.with_models() if r.settings["evaluation"]["norm"] == norm]
    told = {r.id: api.results.RunResult.of(r) for r in (*runs, record)}
    runs = [r for r in runs if told[r.id].curve and told[r.id].data == told[record.id].data]
    names = dict(zip((r.id for r in runs), naming.distinct([naming.called(r) for r in runs]), strict=True))
    if record.id not in names:
        return
    with st.container(border=True):
        st.markdown("**Robust accuracy against the budget ε**, with 95 % intervals")
        others = [run_id for run_id in names if run_id != record.id]
        more = st.multiselect(
            "Beside this run", others, others[:2], format_func=lambda run: names[run], max_selections=MOST_CURVES,
            key=f"audit.beside.{record.id}", disabled=not others,
            placeholder="no other run on these data in this norm yet",
        )  # fmt: skip
        shown = [r for r in runs if r.id == record.id] + [r for r in runs if r.id in more]
        found = {names[r.id]: api.results.rows(told[r.id].curve) for r in shown}
        images = {names[r.id]: told[r.id].curve_images for r in shown}
        audited = api.audit_of(record.id)
        bounds = api.results.AuditResult.of(audited) if audited else None
        proven = (
            {names[record.id]: api.results.rows(bounds.certified)}
            if bounds and bounds.certified and norm == "Linf"
            else {}
        )
        draw(eps_compare.chart(found, images, norm, proven), "audit.curves", f"{record.id}-eps-curves")
        st.caption(_proven(bounds, norm))
        for r in shown:
            st.caption(f"**{words.plain(names[r.id], 120)}**: {naming.curve(r)} · audit: {api.audit_state(r.id)}")


def _proven(bounds: api.results.AuditResult | None, norm: str) -> str:
    """What the band down to the bound means, or why there is none."""
    if norm != "Linf":
        return "No certified bound: intervals prove something in Linf only."
    if bounds is not None and bounds.certified_note:
        return f"No certified bound: {bounds.certified_note}."
    if bounds is None or not bounds.certified:
        return "No certified bound yet: *Audit* proves what interval bounds can."
    images = f"{bounds.certified_images:,} test images"
    reach = max((point.eps for point in bounds.certified if point.value > 0), default=0.0)
    return (
        f"Pale band: between what interval bounds prove and what attacks leave, on the same {images}; the truth lies "
        f"within. These bounds prove nothing beyond ε {reach:.3g} here. They are loose for a network that was not "
        "trained for them: a proof of nothing says nothing against it."
    )
