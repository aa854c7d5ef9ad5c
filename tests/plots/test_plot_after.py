"""Charts of what is measured once: the eps-curve, the bound of a cover, and counts per class."""

import pytest

from core.plots import bound, bracket, class_counts, eps_curve

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


def test_bracket_is_a_band_between_two_ends_at_the_same_budgets_and_refuses_one_upside_down() -> None:
    proven = [{"eps": 0.0, "value": 0.9}, {"eps": 0.2, "value": 0.3}]
    chart = bracket.chart(proven, CURVE, "L2", 0.1)
    assert chart.data == {"eps": [0.0, 0.2], "proven": [0.9, 0.3], "attacked": [0.9, 0.4]}
    band, low, high, rule = chart.spec["layer"]
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("proven", "attacked")
    assert [line["encoding"]["y"]["field"] for line in (low, high)] == ["proven", "attacked"]
    assert rule["data"]["values"] == [{"eps": 0.1}] and "L2" in band["encoding"]["x"]["title"]
    with pytest.raises(AssertionError, match="proven"):
        bracket.chart(CURVE, proven, "L2", None)


def test_what_is_proven_of_the_network_bounds_its_curve_from_below() -> None:
    proven = [{"eps": row["eps"], "value": row["value"] / 2} for row in CURVE]
    layers = eps_curve.chart(CURVE, {}, "Linf", 0.1, proven=proven).spec["layer"]
    bands = [layer for layer in layers if layer["mark"]["type"] == "area" and "data" in layer]
    assert [row["value"] for row in bands[0]["data"]["values"]] == [row["value"] for row in proven]
    assert not any("data" in layer and layer["mark"]["type"] == "area"
                   for layer in eps_curve.chart(CURVE, {}, "Linf", 0.1).spec["layer"])  # fmt: skip
    with pytest.raises(AssertionError, match="an attack broke"):
        eps_curve.chart(CURVE, {}, "Linf", 0.1, proven=[{"eps": row["eps"], "value": 1.0} for row in CURVE])


def test_what_a_cover_says_of_nearest_neighbour_is_half_of_what_separation_leaves() -> None:
    assert "= 0.5 is still nearest" in bound.beside(1.0, 2.0)
    assert "says nothing" in bound.beside(2.0, 2.0)
