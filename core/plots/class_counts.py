"""How many train and test images each class has."""

from collections.abc import Mapping, Sequence

from core.plots.chart import Chart, quantitative, table
from core.plots.palette import BLUE, ORANGE


def chart(classes: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Chart:
    """Grouped bars per class; `counts` has one list per split, "train" and "test", in class order."""
    rows = [
        {"class": name, "images": count, "split": split}
        for split, each in counts.items()
        for name, count in zip(classes, each, strict=True)
    ]
    splits = list(counts)
    spec = {
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": {"field": "class", "type": "nominal", "sort": list(classes), "title": None, "axis": {"labelAngle": 0}},
            "xOffset": {"field": "split", "sort": splits},
            "y": quantitative("images", "images"),
            "color": {
                "field": "split",
                "type": "nominal",
                "scale": {"domain": splits, "range": [BLUE, ORANGE]},
                "legend": {"title": None, "orient": "top"},
            },
        },
        "height": 220,
    }
    alt = "Images per class: " + ", ".join(f"{split} {sum(each):,}" for split, each in counts.items())
    return Chart(data=table(rows, ("class", "images", "split")), spec=spec, alt=alt)
