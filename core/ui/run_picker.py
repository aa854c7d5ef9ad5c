"""Choose one of the finished runs, and the threat model that its model is asked about."""

from collections.abc import Sequence

import streamlit as st

from core import api
from core.types import Norm, RunRecord
from core.ui import form, glossary, naming
from core.ui.threat import Threat, usual


def run(page: str) -> RunRecord | None:
    """A list of all that has a network, newest first, the examples last; the run last seen in the Lab is chosen."""
    found = {record.id: record for record in (*api.with_models(), *api.examples.with_models())}
    if not found:
        return None
    last = st.session_state.get("live.run")
    start = last if last in found else next(iter(found))
    titles = naming.named(list(found.values()))
    help = "Finished runs and networks from elsewhere, newest first, and the examples that ship with Ballast"
    chosen = form.select("Run", list(found), f"{page}.run", start, titles=titles, help=help)
    st.query_params[f"{page}.run"] = chosen  # also where it is the first choice: that differs between visitors
    return found.get(chosen)


def norm(page: str, record: RunRecord, choices: Sequence[Norm]) -> Norm:
    """The norm of the attack, at first that of the run's own evaluation."""
    own = record.settings["evaluation"]["norm"]
    start = own if own in choices else choices[0]
    form.follow(f"{page}.norm", start)
    if st.session_state.get(f"{page}.norm") not in (None, *choices):
        st.session_state[f"{page}.norm"] = start
    return st.segmented_control(
        "Norm", list(choices), default=start, required=True, key=f"{page}.norm", bind="query-params",
        help=glossary.NORM,
        **form.noted(f"{page}.norm"),
    )  # fmt: skip


def eps(page: str, record: RunRecord, norm: Norm, *, least: int = 0) -> float:
    """A slider for the budget in pixels of [0, 1]; the run's own ε at first, in steps of 1/255 for colour images.

    least  slider steps from zero that cannot be chosen
    """
    threat = _threat(record, norm)
    rgb, unit = threat.rgb, threat.unit
    judged = record.settings["evaluation"]
    start = judged["eps"] if judged["norm"] == norm and 0 < judged["eps"] <= threat.top else threat.eps
    start = round(start * unit) if rgb else round(float(start), 4)
    form.follow(f"{page}.eps", start)
    value = st.slider(
        "Attack budget ε",
        least if rgb else 0.01 * least,
        round(threat.top * unit) if rgb else threat.top,
        start,
        1 if rgb else 0.01,
        format="%d/255" if rgb else "%.2f",
        key=f"{page}.eps",
        bind="query-params",
        help=glossary.EPS,
        **form.noted(f"{page}.eps"),
    )
    return value / unit


def _threat(record: RunRecord, norm: Norm) -> Threat:
    channels = (api.results.RunResult.of(record).shape or (1,))[0]
    return usual(record.settings["data"]["name"], norm, channels)
