"""From Play to a real run: the same points as a data set, the same method, threat and training.

The Lab trains networks: what was kernel regression or a nearest point in Play becomes a network in NTK parametrisation,
wide where Play had the limit. Biases stand for the constant coordinate that Play gives its points.
"""

from collections.abc import Mapping
from typing import Any

from core import api
from core.ui import navigation
from core.ui.lab import setup

BIAS = 0.3  # LIFT of assets/play/kernel.js
METHODS = {"random": "random", "cover": "mfc", "k-means": "k-means", "kip": "kip", "adv-kip": "adv-kip"}
IMAGES = 500  # more than Play has points: all of them


def open_in_lab(play: Mapping[str, Any]) -> None:
    """Start a run with Play's points and settings and show it in the Lab."""
    run_id = api.submit(settings(play))
    setup.fill(api.get(run_id).config)
    navigation.open_run(run_id)


def settings(play: Mapping[str, Any]) -> dict[str, Any]:
    """A run's settings from Play's; stores the points as a data set on the way."""
    data = api.plane.keep_points(play["data"], play["train"], play["test"])
    threat = {"norm": play["norm"], "eps": play["eps"]}
    adversarial = play["training"] == "adversarial"
    training = {"epochs": 300, "loss": "mse", "weight_decay": 0.0, "batch": IMAGES} | (threat if adversarial else {})
    depth = play["depth"] if play["model"] == "kernel" else 1
    return {
        "data": data.model_dump(mode="json"),
        "method": {"name": METHODS[play["method"]], "options": _method(play, threat)},
        "network": {"name": "ntk-mlp", "options": {"width": play["width"], "depth": depth, "bias_std": BIAS}},
        "training": {"name": play["training"], "options": training},
        "evaluation": threat | {"attack_steps": 40, "images": IMAGES, "curve_end": 0.3, "curve_points": 16},
        "seed": play["seed"],
    }  # fmt: skip


def _method(play: Mapping[str, Any], threat: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"ipc": play["k"]}
    if play["method"] == "cover":
        options |= {"norm": play["norm"]}
    if play["method"] in ("kip", "adv-kip"):
        options |= {"depth": play["depth"], "bias_std": BIAS, "steps": play["steps"], "lr": 0.01, "held_out": 0}
    return {**options, **(threat if play["method"] == "adv-kip" else {})}
