"""What an audit found, wherever a robust accuracy stands: a badge, and the card of its indicators."""

from typing import Any, Literal

import streamlit as st

from core import api
from core.plots import audit_card
from core.types import RunRecord
from core.ui import words
from core.ui.chart import draw

Colour = Literal["gray", "blue", "green", "orange", "red"]
STATES: dict[str, tuple[str, Colour, str]] = {  # icon, colour and sentence: never colour alone
    "not run": ("○", "gray", "Nobody has asked yet whether this robust accuracy is real"),
    "running": ("…", "blue", "An audit is at work"),
    "trusted": ("✓", "green", "No indicator of the newest audit failed"),
    "doubtful": ("✕", "red", "At least one indicator of the newest audit failed: do not quote the number"),
}
VERDICTS: dict[str, tuple[str, Colour]] = {
    "pass": ("✓ pass", "green"),
    "warn": ("! warn", "orange"),
    "fail": ("✕ fail", "red"),
}
ATTACKS = {"autoattack": "AutoAttack", "strong": "PGD of two losses"}
CURE = "Queues a further evaluation of this network on the images of its own; it then stands on the page Audit"
ORDER = ("fail", "warn", "pass")
COLUMNS = 3


def state_badge(run_id: str) -> None:
    """The state of a run's audit as a badge, to stand beside every robust accuracy of it."""
    state = api.audit_state(run_id)
    icon, colour, help = STATES[state]
    st.badge(f"{icon} audit: {state}", color=colour, help=f"{help}. See the page Audit")


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
    if state == "doubtful":
        _cure(record, report)
    found = api.results.AuditResult.of(record)
    st.caption(f"{words.conditions(found)} · {words.duration(report.seconds)} · {words.ago(record.created)}")
    ordered = sorted(report.indicators, key=lambda i: ORDER.index(i.verdict))
    for start in range(0, len(ordered), COLUMNS):
        for column, indicator in zip(st.columns(COLUMNS), ordered[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _indicator(indicator)
    if report.notes:
        st.caption("Notes: " + " · ".join(map(words.plain, report.notes)))


def _cure(record: RunRecord, report: Any) -> None:
    """What a doubtful audit does to the number, and the measurement that settles it."""
    st.markdown(
        f"**What this does to the number:** the attack that failed an indicator may have been too weak, so a robust "
        f"accuracy from it is only an upper bound. Quote the worst case above, {words.percent(report.robust.value)} of "
        f"{report.robust.images:,} images, or one under AutoAttack, whose parts need no smooth loss and no gradient."
    )
    config = record.config
    if "run" not in config or "condensed" in config:
        return
    judged, asked = config["settings"]["evaluation"], config["audit"]
    attack = "strong" if asked["norm"] == "L1" else "autoattack"
    values = judged | {"norm": asked["norm"], "eps": asked["eps"], "attack": attack, "live_images": 0}
    if st.button(f"Measure it with {ATTACKS[attack]}", key=f"trust.cure.{record.id}", type="primary", help=CURE):
        api.submit_evaluation(config["run"], values)
        st.rerun()


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
