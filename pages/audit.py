"""Audit: measure the robust accuracy of a finished run with AutoAttack, and ask whether it can be trusted."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord
from core.ui import bring_network, live, navigation, run_picker, trust, words
from core.ui.audit import proof, view

navigation.guard()
EVALUATE = "Clean and robust accuracy, under AutoAttack unless chosen otherwise below"
AUDIT = "Sixteen indicators of whether the robust accuracy is real"
ASKED = "audit.asked"


def ask(what: str) -> None:
    """Remember a press until the settings are read: a second press ends the run of the page that the first began."""
    st.session_state[ASKED] = (*st.session_state.get(ASKED, ()), what)


def going(record: RunRecord) -> list[str]:
    """Evaluations and audits of a run that still work."""
    return [job.id for job in (*api.evaluations(record.id), *api.audits(record.id)) if not live.ended(job)]


def stopped(record: RunRecord) -> None:
    """Say why the newest evaluation or audit did not finish."""
    for jobs in (api.evaluations(record.id), api.audits(record.id)):
        if jobs and jobs[0].status in ("failed", "interrupted", "cancelled"):
            job = jobs[0]
            st.warning(
                words.plain(job.error)
                or f"The newest {'audit' if job.kind == 'audit' else 'evaluation'} was {job.status}."
            )


def show(record: RunRecord) -> None:
    """Everything known about the robustness of one run."""
    done = [job for job in api.evaluations(record.id) if job.status == "done"]
    place = st.container()
    chosen = view.history(done)
    with place:
        view.head(record, chosen)
        stopped(record)
        if jobs := going(record):
            view.waiting(jobs)
    if chosen is not None or api.results.RunResult.of(record).attacks:
        view.attacks(chosen or record)
    if (audited := api.audit_of(record.id)) is not None:
        trust.card(audited)
    elif not going(record):
        st.info("Not audited yet. *Audit* runs sixteen checks, in one to two minutes for a small network.")
    view.curves(record)


try:
    with st.sidebar:
        record = run_picker.run("audit")
        if record is not None:
            st.button("Evaluate", key="audit.evaluate", type="primary", width="stretch", help=EVALUATE, on_click=ask,
                      args=("evaluate",))  # fmt: skip
            st.button("Audit", key="audit.go", width="stretch", help=AUDIT, on_click=ask, args=("audit",))
            evaluation, auditing = view.settings(record)
    st.title("Audit", anchor=False)
    if record is not None and (asked := st.session_state.pop(ASKED, ())):
        with live.refusable():
            if "evaluate" in asked:
                api.submit_evaluation(record.id, evaluation)
            if "audit" in asked:
                api.submit_audit(record.id, auditing)
    if record is None:
        st.info("There is no model to judge yet: a finished run of the Lab has one.")
        st.page_link(navigation.page(navigation.LAB), label="Open the Lab")
    else:
        show(record)
        proof.panel(record, auditing["norm"], auditing["eps"])
        st.code(view.command(record, auditing), language="bash", wrap_lines=True)
    bring_network.box("audit")
except BallastError as error:
    st.error(words.plain(error))
