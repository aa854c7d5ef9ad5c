"""What an attack may do, asked once: method, training and evaluation read it, unless a reader gives one its own.

A setting that is read is not drawn a second time, so it cannot be another one than what is shown.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core import api
from core.types import DataConfig, Options
from core.ui import form, glossary, words
from core.ui.threat import Threat, usual

NORMS = ("Linf", "L2", "L1")
READ = {"norm": "norm", "eps": "eps", "watch_norm": "norm", "watch_eps": "eps"}  # setting -> part of the attack
HELP = "Off: the norm and budget of the attack that the page asks for. On: values of its own, with settings for them"


def ask(data: str) -> Threat:
    """Norm and budget of the attack; the budget moves to what is usual when data set or norm change."""
    norm = st.segmented_control(
        "Attack norm",
        list(NORMS),
        default="Linf",
        required=True,
        key="lab.norm",
        bind="query-params",
        help=glossary.NORM,
        **form.noted("lab.norm"),
    )
    threat = usual(data, norm, _channels(data))
    rgb, unit = threat.rgb, threat.unit
    default = round(threat.eps * unit) if rgb else threat.eps
    form.follow("lab.eps", default)
    value = st.slider(
        "Attack budget ε",
        0 if rgb else 0.0,
        round(threat.top * unit) if rgb else threat.top,
        default,
        1 if rgb else 0.01,
        format="%d/255" if rgb else "%.2f",
        key="lab.eps",
        bind="query-params",
        help=f"{glossary.EPS}. Not the covering radius η, which says how far train images lie from their centre",
        **form.noted("lab.eps"),
    )
    return replace(threat, eps=value / unit)


def _channels(data: str) -> int:
    """Colour channels of a prepared data set, 1 when it was never loaded."""
    record = api.prepared(DataConfig(name=data)) if data not in api.DATASETS else None
    return (api.results.DataResult.of(record).shape or (1,))[0] if record else 1


def fields(
    config: type[Options], prefix: str, threat: Threat, *, suggested: Mapping[str, Any] | None = None,
    skip: Collection[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """The settings of a Config: what it shares with the attack is read from there, unless it is given its own.

    Where a link names such a setting, it has been given its own.
    """
    shared = {name: getattr(threat, part) for name, part in READ.items() if name in config.model_fields}
    if not shared:
        return form.fields(config, prefix, suggested=suggested, skip=skip)
    key = f"{prefix}.own"
    if key not in st.session_state and any(f"{prefix}.{name}" in st.query_params for name in shared):
        st.session_state[key] = True
    own = st.toggle(
        f"{' and '.join(_parts(shared))} of its own", False, key=key, bind="query-params", help=HELP, **form.noted(key)
    )
    if own:
        return form.fields(config, prefix, suggested={**shared, **(suggested or {})}, skip=skip)
    st.caption(f"Reads {words.attack_budget(threat.norm, threat.eps, threat.rgb, list(shared))} from the attack.")
    return form.fields(config, prefix, suggested=suggested, skip=(*skip, *shared)) | shared


def differs(options: Mapping[str, Any], norm: str, eps: float) -> bool:
    """Whether stored settings have a norm or budget other than that of the attack."""
    attack = {"norm": norm, "eps": eps}
    return any(options[name] != attack[part] for name, part in READ.items() if name in options)


def _parts(shared: Collection[str]) -> list[str]:
    return ["Norm", "ε"] if any(name.endswith("eps") for name in shared) else ["Norm"]
