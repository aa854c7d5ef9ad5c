"""What can be proven of the network of a run, beside what attacks leave: the form, its cost, and what came of it."""

import streamlit as st

from core import api
from core.types import RunRecord
from core.ui import bar, form, live, words

ASKED = "audit.proof.asked"
WHAT = {
    "Linf": "Interval bounds prove this network itself in Linf, with two forward passes for each ε. They prove "
    "something useful where it was trained with *ibp*; elsewhere nearly nothing.",
    "L2": "Randomised smoothing proves another classifier in L2: the class that this network says most often under "
    "noise. Train with *smoothing* for it. Its number never stands beside attacks on the network.",
}


def panel(record: RunRecord, norm: str, eps: float) -> None:
    """Prove at the norm and budget of the sidebar; every proof so far, newest first."""
    with st.container(border=True, key="audit.proof"):
        st.markdown("**Proven, instead of attacked**")
        if norm not in WHAT:
            st.caption(f"Nothing is proven of networks in {norm}: choose Linf or L2.")
        else:
            st.caption(WHAT[norm])
            _form(record, norm, eps)
        for job in api.proving.proofs(record.id):
            if not live.ended(job):
                _waiting(job.id)
            elif job.status == "done":
                _found(job)
            else:
                st.warning(words.plain(job.error) or f"A proof was {job.status}.")


def _form(record: RunRecord, norm: str, eps: float) -> None:
    """Options with what they cost, and the button."""
    least, most = 10, 10_000
    images = int(st.number_input("Test images", least, most, 200, 10, key="audit.proof.images", bind="query-params"))
    values = {}
    if norm == "L2":
        values = form.fields(api.proving.CertificateConfig, "audit.proof", skip=("certificate",))
        copies = int(values["n0"]) + int(values["n"])
        st.caption(
            f"Cost: {images:,} images × {copies:,} noisy copies = {images * copies:,} images through the network. "
            "Seconds are said once it has begun; `python -m core runs resume ID` goes on with one that was stopped."
        )
    help = f"At ε {eps:g} in {norm}, as set in the sidebar"
    st.button("Prove", key="audit.proof.go", help=help, on_click=_ask)
    if st.session_state.pop(ASKED, False):
        api.proving.submit(record.id, norm, eps, images, values)
        st.rerun()


def _ask() -> None:
    """Remember the press until the options are read: what is drawn before may be begun anew meanwhile."""
    st.session_state[ASKED] = True


@live.fragment(run_every=live.EVERY)
def _waiting(job: str) -> None:
    if live.ended(api.get(job)):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        bar.progress(live.events(job), "Proof")
        bar.cancel(job, f"audit.proof.cancel.{job}")


def _found(job: RunRecord) -> None:
    """One sentence with everything the number needs."""
    found = api.results.RESULTS["prove"].of(job)
    assert isinstance(found, api.results.ProveResult)
    abstained = f"; {found.abstained} abstained" if found.abstained is not None else ""
    st.markdown(
        f"Robust accuracy of the {found.model}: **proven ≥ {words.percent(found.certified_acc)}** "
        f"{words.between(found.certified_interval)}, by {found.certificate}"
    )
    left = f"; {found.attack} leaves {words.percent(found.robust_acc)}" if found.robust_acc is not None else ""
    st.caption(
        f"{words.percent(found.clean_acc)} without an attack{left} · {found.attack_norm}, ε {found.eps:g} · "
        f"{found.eval_images:,} test images{abstained} · {words.ago(job.created)}"
    )
