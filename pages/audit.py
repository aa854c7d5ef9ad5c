"""Audit: measure the robust accuracy of a finished run with AutoAttack, and ask whether it can be trusted."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord
from core.ui import audit_view, live, navigation, pick

navigation.guard()
EVALUATE = "Clean and robust accuracy, under AutoAttack unless chosen otherwise below"
AUDIT = "Sixteen indicators of whether the robust accuracy is real"


def going(record: RunRecord) -> list[str]:
    """Evaluations and audits of a run that still work."""
    return [job.id for job in (*api.evaluations(record.id), *api.audits(record.id)) if not live.ended(job)]


def stopped(record: RunRecord) -> None:
    """Say why the newest evaluation or audit did not finish."""
    for jobs in (api.evaluations(record.id), api.audits(record.id)):
        if jobs and jobs[0].status in ("failed", "interrupted", "cancelled"):
            job = jobs[0]
            st.warning(job.error or f"The newest {'audit' if job.kind == 'audit' else 'evaluation'} was {job.status}.")


def show(record: RunRecord) -> None:
    """Everything known about the robustness of one run."""
    done = [job for job in api.evaluations(record.id) if job.status == "done"]
    place = st.container()
    chosen = audit_view.history(done)
    with place:
        audit_view.head(record, chosen)
        stopped(record)
        if jobs := going(record):
            audit_view.waiting(jobs)
    if chosen is not None or record.result.get("attacks"):
        audit_view.attacks(chosen or record)
    if (audited := api.audit_of(record.id)) is not None:
        audit_view.card(audited)
    elif not going(record):
        st.info("Not audited yet. *Audit* runs sixteen checks, in one to two minutes for a small network.")
    audit_view.curves(record)


try:
    with st.sidebar:
        record = pick.run("audit")
        if record is not None:
            evaluate = st.button("Evaluate", key="audit.evaluate", type="primary", width="stretch", help=EVALUATE)
            audit = st.button("Audit", key="audit.go", width="stretch", help=AUDIT)
            evaluation, auditing = audit_view.settings(record)
            if evaluate:
                api.submit_evaluation(record.id, evaluation)
            if audit:
                api.submit_audit(record.id, auditing)
    st.title("Audit", anchor=False)
    if record is None:
        st.info("There is no model to judge yet: a finished run of the Lab has one.")
        st.page_link(navigation.page(navigation.LAB), label="Open the Lab")
    else:
        show(record)
        st.code(audit_view.command(record, auditing), language="bash", wrap_lines=True)
except BallastError as error:
    st.error(str(error))
