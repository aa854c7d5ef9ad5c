"""The second classifier of a run: nearest neighbour on the condensed set, proven and attacked."""

import streamlit as st

from core import api
from core.plots import bracket
from core.types import RunRecord
from core.ui import glossary, words
from core.ui.chart import draw

WHAT = (
    "Another classifier than the network: it says the class of the nearest condensed image (L2). Nothing is trained, "
    "and how far an image may move before its answer changes can be proven. Never add its proof to the network's attack"
)


def results(record: RunRecord) -> None:
    """Its clean accuracy, the bracket of its robust accuracy, and how far the median image is proven."""
    found = api.results.RunResult.of(record).nearest
    if found is None:
        return
    with st.container(border=True):
        st.markdown("**Nearest neighbour on the condensed set** (not the network)", help=WHAT)
        clean, proven, attacked, radius = st.columns(4)
        clean.metric("Clean accuracy", words.percent(found.clean_acc), help=glossary.CLEAN)
        clean.caption(words.between(found.clean_interval))
        proven.metric("Proven robust, at least", words.percent(found.certified_acc), help=glossary.CERTIFIED)
        proven.caption(words.between(found.certified_interval))
        attacked.metric("Left by attacks, at most", words.percent(found.robust_acc), help=glossary.ROBUST)
        attacked.caption(words.between(found.interval))
        median = found.certified_radius.get("0.5")
        radius.metric("Proven radius, median", "any" if median is None else f"{median:.3f}")
        radius.caption(f"{found.attack_norm}, pixels in [0, 1]; 0 for wrong images")
        note = f" {found.labels_note}." if found.labels_note else ""
        st.caption(f"Both at ε {found.eps:g}, {found.eval_images:,} test images. Attack: {found.attack}.{note}")


def curve(record: RunRecord) -> None:
    """Its band from certified to attacked accuracy."""
    found = api.results.RunResult.of(record).nearest
    if found is None or not found.curve:
        return
    with st.container(border=True):
        st.markdown("**Nearest neighbour: proven and attacked accuracy against the budget ε**")
        rows = (api.results.rows(found.certified_curve), api.results.rows(found.curve))
        draw(bracket.chart(*rows, found.attack_norm, found.eps), "lab.bracket", f"{record.id}-bracket")
        st.caption(f"{found.curve_images:,} test images. The robust accuracy lies in the band; no attack can leave it.")
