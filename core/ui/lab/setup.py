"""The settings of a run as one form in the sidebar: every section is read from a table and its Config.

What the attack may do is asked once and read by method, training and evaluation alike (`core.ui.lab.budget`), so that
the slider a reader moves is the budget that images are made for, networks are trained at and the number is judged at.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import api
from core.types import DataConfig
from core.ui import form, naming
from core.ui.lab import budget, stored_inputs
from core.ui.threat import Threat, usual

START = {"data": "digits", "method": "mfc", "network": "small-cnn", "training": "warm-start"}
TRAINING = (
    "Adversarial training attacks every batch at the budget above. Warm start goes on from the attack of the epoch "
    "before: as robust as PGD in a third of the time"
)
ALONE = "standard"  # training with which a method is asked what its images give by themselves


def settings() -> dict[str, Any]:
    """Draw the form and return the settings of a run as `api.submit` takes them."""
    data = _data()
    place = st.container()  # the method stands above the attack whose norm and budget its options follow
    threat = budget.ask(data["name"])
    with place:
        method = _method(threat, data["name"])
    network = _network(data["name"])
    training = _training(threat, method["name"])
    evaluation = _evaluation(threat)
    own = {info.name: info for info in api.RunConfig.describe()}
    return {
        "data": data,
        "method": method,
        "network": network,
        "training": training,
        "evaluation": evaluation,
        **{name: form.widget(own[name], f"lab.{name}", own[name].default) for name in ("networks", "seed")},
    }


def fill(config: Mapping[str, Any]) -> None:
    """Put the settings of a stored run into the form, before it is drawn."""
    form.put("lab.data", config["data"])
    for section in ("method", "network", "training"):
        form.put("lab", {section: config[section]["name"]})
        form.put(f"lab.{section}", config[section]["options"])
    form.put("lab.evaluation", config["evaluation"])
    norm, eps = config["evaluation"]["norm"], config["evaluation"]["eps"]
    threat = usual(config["data"]["name"], norm)
    form.put("lab", {"networks": config.get("networks", 1), "seed": config["seed"]})
    form.put("lab", {"norm": norm, "eps": round(eps * 255) if threat.rgb else eps})
    for section in ("method", "training", "evaluation"):
        values = config[section] if section == "evaluation" else config[section]["options"]
        form.put(f"lab.{section}", {"own": budget.differs(values, norm, eps)})


def _data() -> dict[str, Any]:
    mine = api.uploads()
    names = [name for name, row in api.DATASETS.items() if row.kind != "file"] + mine
    help = "A name, or the path of an .npz, a folder or a zip. Uploads and previews: page Data"
    name = form.select(
        "Data set", names, "lab.data.name", START["data"], titles=naming.titles(names), help=help, new=True
    )
    own = (
        () if name not in api.DATASETS else ("resize", "range", "shape", "skip_bad")
    )  # answers about a source of one's own
    values = form.fields(DataConfig, "lab.data", skip=("name", "seed", *own))
    return {"name": name, **values}


def _network(data: str) -> dict[str, Any]:
    """The network, with its options folded away; points of the plane begin with an MLP."""
    start, help = "mlp" if api.plane.is_plane(data) else START["network"], "What is trained on the condensed set"
    name = form.select(
        "Network", list(api.NETWORKS), "lab.network", start, titles=naming.titles(api.NETWORKS), help=help
    )
    with st.expander("Network settings", key="lab.network.settings"):
        return {"name": name, "options": form.fields(api.NETWORKS[name].Config, "lab.network")}


def _method(threat: Threat, data: str) -> dict[str, Any]:
    """The method and its options, those that name a run as a list of the runs that fit."""
    table, help = api.METHODS, "How the small set is made"
    name = form.select("Method", list(table), "lab.method", START["method"], titles=naming.titles(table), help=help)
    config, takes = table[name].Config, table[name].takes
    infos = {info.name: info for info in config.describe()}
    chosen = {
        option: stored_inputs.select(infos[option], kind, f"lab.method.{option}", data)
        for option, kind in takes.items()
    }
    options = budget.fields(config, "lab.method", threat, skip=tuple(takes))
    return {"name": name, "options": options | chosen}


def _training(threat: Threat, method: str) -> dict[str, Any]:
    """The way of training; what images were made robust for is asked of them alone first."""
    table, help = api.TRAINERS, TRAINING
    alone = api.METHODS[method].alone
    name = form.select(
        "Training", list(table), "lab.training", ALONE if alone else START["training"], titles=naming.titles(table),
        help=help,
    )  # fmt: skip
    if alone:
        st.caption(naming.tested(method, name))
    config = api.TRAINERS[name].Config
    with st.expander("Training settings", key="lab.training.settings"):
        suggested = {k: v for k, v in {"attack_steps": threat.train_steps}.items() if k in config.model_fields}
        suggested |= _protocol()
        return {"name": name, "options": budget.fields(config, "lab.training", threat, suggested=suggested)}


def _protocol() -> dict[str, Any]:
    """What a protocol suggests for the settings below; those that were chosen by hand stay."""
    titles = {"": "This project's", "field": "The field's", "field-augmented": "The field's, with augmentation"}
    help = (
        "Fills in the settings below: the field judges condensed sets by SGD with 300 epochs, or 1,000 and augmentation"
    )
    name = form.select("Protocol", ["", *api.PROTOCOLS], "lab.protocol", "", titles=titles, help=help)
    return dict(api.PROTOCOLS.get(name, {}))


def _evaluation(threat: Threat) -> dict[str, Any]:
    with st.expander("Evaluation settings", key="lab.evaluation.settings"):
        suggested = {"attack_steps": threat.eval_steps, "curve_end": threat.curve_end}
        return budget.fields(api.EvaluationConfig, "lab.evaluation", threat, suggested=suggested)
