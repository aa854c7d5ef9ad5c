"""Curves as values: which rows, which intervals, which dashes, and a specification that stands still."""

import json

import pytest

from core.plots import curves, eps_compare, eps_curve
from core.plots.palette import (
    CLASSES,
    METHODS,
    OTHERS,
    SYMBOLS,
    TRAININGS,
    class_colour,
    class_symbol,
    looks,
    method_colours,
)  # fmt: skip
from core.types import Accuracy, Attack, EventRow
from core.ui import words


def event(seq: int, stage: str = "train", done: int = 0, **values: float) -> EventRow:
    return EventRow(seq=seq, time=float(seq), stage=stage, done=done, total=9, unit="epochs", values=values, note="")


def test_points_are_the_evaluations_among_events() -> None:
    events = [
        event(1, loss=2.0),
        event(2, epoch=1, clean_acc=0.5, robust_acc=0.2, eval_images=100),
        event(3, stage="evaluate", clean_acc=0.9),
        event(4, epoch=2, clean_acc=0.6, eval_images=100),
    ]
    assert curves.points(events) == [curves.Point(1, 0.5, 0.2, 100), curves.Point(2, 0.6, None, 100)]


def test_an_epoch_repeated_after_a_resume_counts_once_with_its_later_value() -> None:
    events = [event(i, epoch=e, clean_acc=c, eval_images=10) for i, (e, c) in enumerate([(1, 0.1), (2, 0.2), (2, 0.3)])]
    assert [(p.epoch, p.clean_acc) for p in curves.points(events)] == [(1, 0.1), (2, 0.3)]


@pytest.mark.parametrize(("correct", "images"), [(0, 50), (50, 50), (37, 200), (1, 1)])
def test_interval_is_the_one_that_accuracies_carry(correct: int, images: int) -> None:
    attack = Attack(name="none")
    known = Accuracy(correct=correct, images=images, attack=attack, seed=0, seconds=0.0).interval
    assert curves.interval(correct / images, images) == known
    assert known[0] - 1e-12 <= correct / images <= known[1] + 1e-12


def test_interval_of_an_unknown_number_of_images_is_the_value() -> None:
    assert curves.interval(0.4, 0) == (0.4, 0.4)


def test_specification_does_not_change_while_points_arrive() -> None:
    """Otherwise the browser would draw a new chart at every poll and lose the reader's zoom."""
    own = [curves.Point(e, 0.5, 0.2, 100) for e in range(1, 6)]
    first, later = curves.live(own[:1], {}, 20), curves.live(own, {"random": own[:2]}, 20)
    assert json.dumps(first.spec) == json.dumps(later.spec)
    assert first.alt == later.alt
    assert len(later) == 2 * 5 + 2 * 2 > len(first)


def test_live_rows_name_run_and_measure() -> None:
    chart = curves.live([curves.Point(3, 0.5, None, 10)], {"full": [curves.Point(3, 0.9, 0.6, 10)]}, 5)
    seen = list(zip(chart.data["run"], chart.data["measure"], chart.data["value"], strict=True))
    assert seen == [("this run", "clean", 0.5), ("full", "clean", 0.9), ("full", "robust", 0.6)]


def test_a_run_and_its_references_look_as_where_runs_are_compared_and_bands_belong_to_the_run() -> None:
    layers = curves.live([], {}, 5, "mfc", "adversarial", {"this run": "Covering (this run)"}).spec["layer"]
    line = next(layer for layer in layers if layer["mark"]["type"] == "line")
    scale = line["encoding"]["color"]["scale"]
    colours = {"this run": METHODS["mfc"], **{name: METHODS[name] for name in ("random", "k-means", "full")}}
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == colours
    assert line["encoding"]["strokeDash"] == {"value": TRAININGS["adversarial"]}
    assert '"Covering (this run)"' in line["encoding"]["color"]["legend"]["labelExpr"]
    lines = {one["transform"][0]["filter"]: one["mark"] for one in layers if one["mark"]["type"] == "line"}
    assert {what: mark["strokeWidth"] for what, mark in lines.items()} == {
        "datum.measure == 'clean'": curves.WIDTHS["clean"], "datum.measure == 'robust'": curves.WIDTHS["robust"],
    }  # fmt: skip
    own = curves.live([], {}, 5, "random", "standard").spec["layer"][2]["encoding"]["color"]["scale"]["domain"]
    assert own == ["this run", "k-means", "full"]  # its own method is no reference of it
    curve = [{"eps": 0.0, "value": 1.0, "low": 0.9, "high": 1.0}]
    after = eps_curve.chart(curve, {}, "Linf", None, None, (), "mfc", "adversarial").spec["layer"]
    assert after[1]["encoding"]["color"]["scale"] == scale and after[0]["mark"]["color"] == METHODS["mfc"]
    assert after[1]["mark"]["strokeDash"] == TRAININGS["adversarial"]
    bands = [layer for layer in layers if layer["mark"]["type"] == "area"]
    assert len(bands) == 2 and all("this run" in band["transform"][0]["filter"] for band in bands)


def test_accuracy_axis_is_fixed_and_zoom_is_bound_to_it() -> None:
    line = next(layer for layer in curves.live([], {}, 7).spec["layer"] if layer["mark"]["type"] == "line")
    assert line["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert line["encoding"]["x"]["scale"]["domain"] == [0, 7]
    assert line["params"][0]["bind"] == "scales"


def test_compared_runs_have_the_colour_of_their_method_and_the_dash_of_their_training() -> None:
    curve = [curves.Point(1, 0.5, 0.2, 10)]
    runs = {"a": ("mfc", "standard"), "b": ("random", "adversarial"), "c": ("mfc", "standard"), "d": ("new", "new")}
    look = looks(runs)
    assert look["a"].colour == look["c"].colour == METHODS["mfc"] and look["b"].colour == METHODS["random"]
    assert (look["a"].dash, look["b"].dash) == (TRAININGS["standard"], TRAININGS["adversarial"])
    assert len({(one.colour, str(one.dash), one.shape) for one in look.values()}) == 4
    assert method_colours(["full", "random"])["random"] == METHODS["random"]  # whatever stands beside it
    clean, robust, points = curves.compare({name: curve for name in runs}, 3, look).spec["layer"]
    spec = robust["encoding"]
    shapes = points["encoding"]["shape"]
    assert shapes["scale"] == {"domain": list(runs), "range": [one.shape for one in look.values()]}
    assert shapes["legend"] is not None  # who has which mark is said, as two runs differ by nothing else
    for channel, part in (("color", "colour"), ("strokeDash", "dash")):
        assert spec[channel]["scale"] == {"domain": list(runs), "range": [getattr(one, part) for one in look.values()]}
    assert "clean" in clean["transform"][0]["filter"] and clean["mark"]["strokeWidth"] < robust["mark"]["strokeWidth"]
    drawn = eps_compare.chart({"a": [], "b": []}, {"a": 1, "b": 1}, "L2", looks=look).spec["layer"]
    assert drawn[1]["encoding"]["color"]["scale"]["range"] == [look["a"].colour, look["b"].colour]
    assert drawn[2]["encoding"]["shape"]["legend"] is None  # their lines tell them apart
    alike = eps_compare.chart({"a": [], "c": []}, {"a": 1, "c": 1}, "L2", looks=look).spec["layer"]
    assert alike[2]["encoding"]["shape"]["legend"] is not None


def test_methods_that_have_no_colour_of_their_own_keep_one_that_no_other_method_has() -> None:
    found = method_colours(["dc", "random", "dsa", "mfc", "dm"])
    assert len(set(found.values())) == 5 and not set(OTHERS) & set(METHODS.values())
    for beside in (["random", "full"], ["mfc", "k-means"], list(METHODS)):
        assert method_colours(["dsa", *beside])["dsa"] == found["dsa"]
    many = [f"own-{i}" for i in range(len(OTHERS))]
    assert sorted(method_colours(many).values()) == sorted(OTHERS)


def test_eighty_classes_stay_apart_by_colour_and_symbol() -> None:
    assert len({(class_colour(i), class_symbol(i)) for i in range(len(CLASSES) * len(SYMBOLS))}) == 80


def test_an_eps_curve_is_read_where_it_was_measured_and_between():
    curve = [{"eps": e, "value": v, "low": v - 0.05, "high": v + 0.05} for e, v in ((0.0, 0.9), (0.1, 0.6), (0.2, 0.1))]
    assert eps_curve.around(curve, 0.1) == (curve[1], curve[1]) and eps_curve.around(curve, 0.3) is None
    assert eps_curve.around(curve, 0.13) == (curve[1], curve[2])
    marks = [
        eps_curve.chart(curve, {}, "Linf", 0.1, asked).spec["layer"][-1]["data"]["values"] for asked in (0.1, 0.13)
    ]
    assert marks == [
        [{"eps": 0.1, "low": pytest.approx(0.55), "high": pytest.approx(0.65)}],
        [{"eps": 0.13, "low": 0.1, "high": 0.6}],
    ]
    assert len(eps_curve.chart(curve, {}, "Linf", 0.1, 0.5).spec["layer"]) == 4
    assert words.at_budget((curve[1], curve[1]), "0.1", 200).startswith("At ε 0.1: **60.0 %** (95 %: 55.0 to 65.0 %)")
    between = words.at_budget((curve[1], curve[2]), "0.13", 200)
    assert "between **10.0 %**, measured at 0.2, and **60.0 %**, measured at 0.1" in between
    assert "nothing was measured" in words.at_budget(None, "0.5", 200)
