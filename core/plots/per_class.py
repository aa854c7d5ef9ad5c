"""Accuracy of each class: clean as a mark, robust as a bar with its 95 % interval (Wilson 1927)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.plots.chart import Chart, percent_axis, quantitative, table
from core.plots.palette import CLEAN, GREY, ROBUST
from core.types import wilson

COLUMNS = ("class", "images", "clean", "robust", "low", "high")
CLEAN_WORD, ROBUST_WORD = "clean", "robust"
AXIS = {"ticks": False, "domain": False, "labelOverlap": False, "labelLimit": 160}


def chart(counts: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> Chart:
    """One row per class in label order.

    counts   rows with label, images, clean and robust: numbers of judged test images
    classes  names by label
    """
    rows = [_row(count, classes) for count in counts]
    y = {"field": "class", "type": "nominal", "sort": None, "title": None, "axis": AXIS}
    x = quantitative("robust", "accuracy on test images of the class", (0, 1), axis=percent_axis())
    share = {"type": "quantitative", "format": ".1%"}
    tooltip = [
        {"field": "class"}, {"field": "images", "title": "test images"}, {"field": "clean", **share},
        {"field": "robust", **share}, {"field": "low", "title": "95 % from", **share},
        {"field": "high", "title": "to", **share},
    ]  # fmt: skip
    kinds = {"domain": [CLEAN_WORD, ROBUST_WORD], "range": [CLEAN, ROBUST]}

    def colour(word: str) -> dict[str, Any]:
        return {"datum": word, "type": "nominal", "scale": kinds, "legend": {"title": None, "orient": "top"}}

    bars = {
        "mark": {"type": "bar", "height": {"band": 0.6}, "opacity": 0.85},
        "encoding": {"x": x, "y": y, "color": colour(ROBUST_WORD), "tooltip": tooltip},
    }
    whiskers = {
        "mark": {"type": "rule", "color": GREY, "strokeWidth": 1.5},
        "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y},
    }
    ticks = {
        "mark": {"type": "tick", "thickness": 3, "height": {"band": 0.8}},
        "encoding": {"x": {**x, "field": "clean"}, "y": y, "color": colour(CLEAN_WORD), "tooltip": tooltip},
    }
    spec = {"layer": [bars, whiskers, ticks], "height": 90 + 24 * len(rows)}
    return Chart(data=table(rows, COLUMNS), spec=spec, alt=f"Clean and robust accuracy of {len(rows)} classes")


def _row(count: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    label, images = count["label"], count["images"]
    low, high = wilson(count["robust"], images)
    name = classes[label] if label < len(classes) else str(label)
    return {
        "class": name, "images": images, "clean": count["clean"] / images, "robust": count["robust"] / images,
        "low": low, "high": high,
    }  # fmt: skip
