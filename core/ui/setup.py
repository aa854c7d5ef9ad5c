"""The settings of a run as one form in the sidebar: every section is read from a table and its Config.

What the attack may do is asked once and handed to training and evaluation alike, so that the slider a reader moves
is the budget the trainer uses and the number is judged at.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core import api
from core.types import DataConfig
from core.ui import form, taken, words
from core.ui.threat import PLANES, Threat, usual

START = {"data": "digits", "method": "mfc", "network": "small-cnn", "training": "adversarial"}
NORMS = ("Linf", "L2", "L1")


def settings() -> dict[str, Any]:
    """Draw the form and return the settings of a run as `api.submit` takes them."""
    data = _data()
    place = st.container()  # the method stands above the attack whose norm and budget its options follow
    threat = _threat(data["name"])
    with place:
        method = _method(threat, data["name"])
    network = _network(data["name"])
    training = _training(threat)
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


def _data() -> dict[str, Any]:
    mine = api.uploads()
    names = [name for name, row in api.DATASETS.items() if row.kind != "file"] + mine
    help = "A name, or the path of an .npz, a folder or a zip. Uploads and previews: page Data"
    name = form.select(
        "Data set", names, "lab.data.name", START["data"], titles=words.titles(names), help=help, new=True
    )
    values = form.fields(DataConfig, "lab.data", skip=("name", "seed", *(("resize",) if name in api.DATASETS else ())))
    return {"name": name, **values}


def _network(data: str) -> dict[str, Any]:
    """The network, with its options folded away; points of the plane begin with an MLP."""
    start, help = "mlp" if data in PLANES else START["network"], "What is trained on the condensed set"
    name = form.select(
        "Network", list(api.NETWORKS), "lab.network", start, titles=words.titles(api.NETWORKS), help=help
    )
    with st.expander("Network settings", key="lab.network.settings"):
        return {"name": name, "options": form.fields(api.NETWORKS[name].Config, "lab.network")}


def _method(threat: Threat, data: str) -> dict[str, Any]:
    """The method and its options, those that name a run as a list of the runs that fit."""
    table, help = api.METHODS, "How the small set is made"
    name = form.select("Method", list(table), "lab.method", START["method"], titles=words.titles(table), help=help)
    config, takes = table[name].Config, table[name].takes
    infos = {info.name: info for info in config.describe()}
    chosen = {option: taken.select(infos[option], kind, f"lab.method.{option}", data) for option, kind in takes.items()}
    follows = {"norm": threat.norm, "eps": threat.eps}
    suggested = {option: value for option, value in follows.items() if option in infos}
    options = form.fields(config, "lab.method", suggested=suggested, skip=tuple(takes))
    return {"name": name, "options": options | chosen}


def _threat(data: str) -> Threat:
    """Norm and budget of the attack; the budget moves to what is usual when data set or norm change."""
    norm = st.segmented_control(
        "Attack norm",
        list(NORMS),
        default="Linf",
        required=True,
        key="lab.norm",
        bind="query-params",
        help="Linf bounds the change of every pixel, L2 the length of the whole change, L1 the sum of its parts",
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
        help=f"How far an attack may move an image, in {norm} and pixels in [0, 1]; not the covering radius η, which "
        "says how far train images lie from their centre",
    )
    return replace(threat, eps=value / unit)


def _channels(data: str) -> int:
    """Colour channels of a prepared data set, 1 when it was never loaded."""
    record = api.prepared(DataConfig(name=data)) if data not in api.DATASETS else None
    return (record.result.get("shape") or [1])[0] if record and record.result else 1


def _training(threat: Threat) -> dict[str, Any]:
    table, help = api.TRAINERS, "Adversarial training attacks every batch at the budget above"
    name = form.select(
        "Training", list(table), "lab.training", START["training"], titles=words.titles(table), help=help
    )
    config = api.TRAINERS[name].Config
    shared = {k: v for k, v in {"norm": threat.norm, "eps": threat.eps}.items() if k in config.model_fields}
    with st.expander("Training settings", key="lab.training.settings"):
        suggested = {k: v for k, v in {"attack_steps": threat.train_steps}.items() if k in config.model_fields}
        suggested |= _protocol()
        values = form.fields(config, "lab.training", suggested=suggested, skip=tuple(shared))
    return {"name": name, "options": values | shared}


def _protocol() -> dict[str, Any]:
    """What a protocol suggests for the settings below; those that were chosen by hand stay."""
    titles = {"": "This project's", "field": "The field's", "field-augmented": "The field's, with augmentation"}
    help = (
        "Fills in the settings below: the field judges condensed sets by SGD with 300 epochs, or 1,000 and augmentation"
    )
    name = form.select("Protocol", ["", *api.PROTOCOLS], "lab.protocol", "", titles=titles, help=help)
    return dict(api.PROTOCOLS.get(name, {}))


def _evaluation(threat: Threat) -> dict[str, Any]:
    config = api.EvaluationConfig
    shared = {k: v for k, v in {"norm": threat.norm, "eps": threat.eps}.items() if k in config.model_fields}
    with st.expander("Evaluation settings", key="lab.evaluation.settings"):
        suggested = {"attack_steps": threat.eval_steps, "curve_end": threat.curve_end}
        return form.fields(config, "lab.evaluation", suggested=suggested, skip=tuple(shared)) | shared
