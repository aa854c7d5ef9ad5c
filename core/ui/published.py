"""Published numbers below one's own: in a colour of their own, each with protocol, source and use."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import api
from core.plots.palette import PUBLISHED
from core.types import Norm
from core.ui import words

HELP = (
    "These ran an attack after normalisation, or clip there: their ε has other units. They are shown to be understood"
)


def show(data: str, budgets: Sequence[int], norm: Norm, eps: float, key: str, limited: bool = False) -> None:
    """The rows that match a result's data, budgets and attack; the others on request, with the reason.

    limited  whether only a part of the train images was used, which published numbers do not
    """
    ipc: tuple[api.published.Ipc, ...] = (*budgets, "full")
    matching, aside = (api.published.beside(data, ipc=ipc, norm=norm, eps=eps, aside=one) for one in (False, True))
    if not matching and not aside:
        return
    st.markdown(f"**Published** for {data}, {_budgets(budgets)} or the full train split, {norm} ε {_radius(eps)}")
    told = "Numbers of others, not measured here: networks, training and preprocessing differ from yours."
    st.caption(told + (" Yours are of a part of the train images, these of all." if limited else ""))
    if matching:
        _table(matching, f"{key}.rows", "Published rows that match data, budget and attack")
    else:
        st.caption("No published row may stand here.")
    if aside and st.toggle(f"Show {len(aside)} that are not comparable", key=f"{key}.aside", help=HELP):
        st.warning(f"{aside[0].reason[0].upper()}{aside[0].reason[1:]}.", icon=":material/warning:")
        _table(aside, f"{key}.others", "Published rows that are not comparable")


def _radius(eps: float) -> str:
    """As the field writes it: n/255 where it is a whole number of grey levels."""
    levels = round(255 * eps)
    return f"{levels}/255" if levels and abs(255 * eps - levels) < 1e-6 else f"{eps:.4g}"


def _budgets(budgets: Sequence[int]) -> str:
    return ", ".join(map(str, budgets)) + " images per class" if budgets else "any budget"


def _table(rows: Sequence[api.published.PublishedRow], key: str, alt: str) -> None:
    frame = pd.DataFrame(
        {
            "Method": [row.method for row in rows],
            "Images per class": [str(row.ipc) for row in rows],
            "Clean": [words.percent(row.clean) for row in rows],
            "Robust": [words.percent(row.robust) for row in rows],
            "Use": [f"{row.reason[0].upper()}{row.reason[1:]}" for row in rows],
            "Protocol": [row.protocol for row in rows],
            "Note": [row.note for row in rows],
            "Source": [row.source for row in rows],
            "Paper": [row.paper for row in rows],
        }
    )
    link = st.column_config.LinkColumn
    st.dataframe(
        frame.style.set_properties(**{"color": PUBLISHED}), hide_index=True, key=key, alt=alt,
        column_config={
            "Source": link(display_text="source", help="Where the numbers stand"),
            "Paper": link(display_text="paper"),
            "Robust": st.column_config.Column(help="Accuracy under the attack that the protocol names"),
        },
    )  # fmt: skip
