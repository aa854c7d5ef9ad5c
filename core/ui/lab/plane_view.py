"""The classifier of a run in the plane: regions, budgets around test points, and where an attack takes them."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core import api
from core.plots import classifier, proven_plane
from core.types import Norm, RunRecord, as_norm
from core.ui import live, words
from core.ui.chart import plotly


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(run_id: str) -> Mapping[str, np.ndarray] | None:
    """Of a run that has ended; what it left does not change any more."""
    return api.classifier(run_id)


def view(record: RunRecord) -> None:
    """Nothing for images, and for runs that were done before this was stored.

    The file of a run that ends at this moment is there before its result is: the next drawing shows it.
    """
    found = _kept(record.id) if live.ended(record) else api.classifier(record.id)
    if found is None or not api.results.RunResult.of(record).classes:
        return
    right, fooled = classifier.counts(found)
    with st.container(border=True):
        st.markdown("**The classifier in the plane**")
        st.plotly_chart(
            classifier.figure(found, api.results.RunResult.of(record).classes), key="lab.plane", on_select="ignore",
            config=plotly(f"{record.id}-plane"), alt=classifier.alt(found),
        )  # fmt: skip
        many = " The first of its networks." if len(api.results.RunResult.of(record).networks) > 1 else ""
        attack = f"PGD-{int(found['steps'])}, {words.attack_budget(str(found['norm']), float(found['eps']), False)}"
        st.caption(
            f"{len(found['y'])} test points, {right} right without an attack; {attack}, 1 random start, flips {fooled} "
            "of them (crosses). Shapes are the budget, lines go to where the attack ended. A picture: the accuracies "
            f"above are of more points.{many}"
        )


@st.cache_resource(max_entries=32, show_spinner=False)
def _regions(run_id: str, norm: Norm, eps: float) -> api.nearest.Plane | None:
    return api.nearest.in_plane(run_id, norm, eps)


def proven(record: RunRecord, asked: tuple[str, float]) -> None:
    """Where nearest neighbour on the condensed points is proven, at the norm and budget that the form is set to."""
    norm, eps = as_norm(asked[0]), asked[1]
    found = _regions(record.id, norm, eps)
    if found is None:
        return
    with st.container(border=True, key="lab.proven_plane"):
        st.markdown("**Where nearest neighbour is proven** (not the network)")
        share = words.percent(proven_plane.share(found.proven))
        st.plotly_chart(
            proven_plane.figure(
                found.x, found.y, found.says, found.proven, api.results.RunResult.of(record).classes
            ), key="lab.proven_plane.figure", on_select="ignore", config=plotly(f"{record.id}-proven"),
            alt=f"Regions of nearest neighbour on {len(found.y)} points; {share} are proven at {eps:g} ({norm})",
        )  # fmt: skip
        sides = "Moves may leave the square" if norm == "L2" else "Moves stay in the square"
        st.caption(
            f"Strong colour: no move of at most ε {eps:g} ({norm}, the sidebar's budget) changes the nearest "
            f"class, {share} of the square. Borders are "
            f"exact, straight lines from the certificate; no point was sampled. {sides}."
        )
