"""Curves as values: which rows, which intervals, which dashes, and a specification that stands still."""

import json

import pytest

from core.plots import curves
from core.plots.palette import CLASSES, DASHES, RUNS, SYMBOLS, class_colour, class_symbol
from core.types import Accuracy, Attack, EventRow


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


def test_references_are_dashed_and_bands_belong_to_the_run_in_view() -> None:
    layers = curves.live([], {}, 5).spec["layer"]
    line = next(layer for layer in layers if layer["mark"]["type"] == "line")
    scale = line["encoding"]["strokeDash"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == DASHES
    assert DASHES["this run"] == [1, 0] and DASHES["random"] != DASHES["full"]
    bands = [layer for layer in layers if layer["mark"]["type"] == "area"]
    assert len(bands) == 2 and all("this run" in band["transform"][0]["filter"] for band in bands)


def test_accuracy_axis_is_fixed_and_zoom_is_bound_to_it() -> None:
    line = next(layer for layer in curves.live([], {}, 7).spec["layer"] if layer["mark"]["type"] == "line")
    assert line["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert line["encoding"]["x"]["scale"]["domain"] == [0, 7]
    assert line["params"][0]["bind"] == "scales"


def test_compare_colours_runs_and_dashes_measures() -> None:
    curve = [curves.Point(1, 0.5, 0.2, 10)]
    spec = curves.compare({"a": curve, "b": curve}, 3).spec
    assert spec["encoding"]["color"]["scale"] == {"domain": ["a", "b"], "range": list(RUNS[:2])}
    assert spec["encoding"]["strokeDash"]["scale"]["domain"] == ["clean", "robust"]


def test_eighty_classes_stay_apart_by_colour_and_symbol() -> None:
    assert len({(class_colour(i), class_symbol(i)) for i in range(len(CLASSES) * len(SYMBOLS))}) == 80
