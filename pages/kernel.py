"""Kernel: support images over time, networks of growing width up to their kernel, and which number to believe."""

import streamlit as st

from core import api
from core.errors import BallastError
from core.types import RunRecord
from core.ui import live, naming, navigation, trust, words
from core.ui.kernel import view

navigation.guard()
COMPARE = "Train NTK networks of these widths on the condensed images by standard training, and attack them"
AUDIT = "Sixteen indicators of whether the robust accuracy of kernel regression on these images is real"
ALL = "Train every network that takes these images, and attack them"


def show(record: RunRecord) -> None:
    """Everything known about one condensed set between network and kernel."""
    st.header(naming.title(record), anchor=False)
    jobs = [*api.widths(record.id), *api.widths(record.id, "architectures"), *api.audits(record.id, "kernel")]
    if going := [job.id for job in jobs if not live.ended(job)]:
        view.waiting(going)
    for job in jobs[:1]:
        if job.status in ("failed", "interrupted", "cancelled"):
            st.warning(words.plain(job.error) or f"The newest comparison was {job.status}.")
    if (done := api.width_of(record.id)) is not None:
        found = api.results.WidthResult.of(done)
        view.believe(found)
        left, right = st.columns(2)
        with left:
            view.curve(found)
        with right:
            view.eigenvalues(found)
    elif not going:
        st.info("No network was trained on these images yet: press *Compare widths*.")
    if (every := api.width_of(record.id, "architectures")) is not None:
        st.header("Across architectures", anchor=False)
        view.believe(api.results.WidthResult.of(every))
    if (audited := api.audit_of(record.id, "kernel")) is not None:
        with st.expander("Audit of the kernel", key="kernel.audited"):
            trust.card(audited)
    view.support(record)


try:
    with st.sidebar:
        record = view.run()
        if record is not None:
            compare = st.button("Compare widths", key="kernel.go", type="primary", width="stretch", help=COMPARE)
            every = st.button("Compare all networks", key="kernel.all", width="stretch", help=ALL)
            audit = st.button("Audit the kernel", key="kernel.audit", width="stretch", help=AUDIT)
            chosen = view.settings(record)
            view.price(record, chosen)
    st.title("Kernel", anchor=False)
    if record is not None:
        with live.refusable():
            if compare:
                api.submit_width(record.id, chosen)
            if every:
                api.submit_width(record.id, {**chosen, "what": "architectures"})
            if audit:
                api.submit_audit(record.id, {"norm": chosen["norm"], "eps": chosen["eps"]}, "kernel")
    if record is None:
        st.info("There is no condensed set yet: run adv-KIP or KIP in the Lab first.")
        st.page_link(navigation.page(navigation.LAB), label="Open the Lab")
    else:
        show(record)
except BallastError as error:
    st.error(words.plain(error))
