"""Charts of what is measured once: the eps-curve, the bound of a cover, and counts per class."""

import pytest

from core.plots import bound, class_counts, eps_curve

CURVE = [
    {"eps": 0.0, "value": 0.9, "low": 0.85, "high": 0.93, "attack": "no attack"},
    {"eps": 0.2, "value": 0.4, "low": 0.34, "high": 0.47, "attack": "PGD-20"},
]


def test_eps_curve_has_one_row_per_budget_and_run() -> None:
    chart = eps_curve.chart(CURVE, {"random": CURVE[:1]}, "Linf", 0.1)
    assert chart.data["eps"] == [0.0, 0.2, 0.0]
    assert chart.data["run"] == ["this run", "this run", "random"]
    assert chart.data["low"] == [0.85, 0.34, 0.85]
    assert "Linf" in chart.spec["layer"][0]["encoding"]["x"]["title"]


def test_headline_eps_is_marked_where_there_is_one() -> None:
    rules = [layer for layer in eps_curve.chart(CURVE, {}, "L2", 0.1).spec["layer"] if layer["mark"]["type"] == "rule"]
    assert rules[0]["data"]["values"] == [{"eps": 0.1}]
    without = eps_curve.chart(CURVE, {}, "L2", None).spec["layer"]
    assert not [layer for layer in without if layer["mark"]["type"] == "rule"]


def test_bound_stacks_radius_and_eps_beside_half_the_separation() -> None:
    chart = bound.chart(radius=0.4, eps=0.1, separation=0.6, norm="Linf")
    assert chart.data["from"] == pytest.approx([0.0, 0.4, 0.0])
    assert chart.data["to"] == pytest.approx([0.4, 0.5, 0.3])


def test_verdict_turns_where_the_balls_of_two_classes_meet() -> None:
    assert "stay apart" in bound.verdict(radius=0.1, eps=0.1, separation=0.5, norm="L2")
    assert "2.0 times" in bound.verdict(radius=0.4, eps=0.1, separation=0.5, norm="L2")
    assert "overlap" in bound.verdict(radius=0.2, eps=0.05, separation=0.5, norm="L2")
    assert "overlap" in bound.verdict(radius=0.2, eps=0.05, separation=0.0, norm="L2")


def test_class_counts_keep_the_order_of_labels() -> None:
    chart = class_counts.chart(["b", "a"], {"train": [3, 4], "test": [1, 2]})
    assert chart.data == {
        "class": ["b", "a", "b", "a"],
        "images": [3, 4, 1, 2],
        "split": ["train", "train", "test", "test"],
    }
    assert chart.spec["encoding"]["x"]["sort"] == ["b", "a"]
