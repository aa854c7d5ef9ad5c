"""A saved chart is valid on its own: the marks that the table asks for, on white, with its words; and the table."""

import csv
import io
import json
from collections import Counter
from xml.etree import ElementTree

import pytest

from core.errors import ResourceError
from core.plots import curves, distances, frontier, width_curve
from core.plots.chart import Chart
from core.ui import saving

SVG = "{http://www.w3.org/2000/svg}"
POINT = {"mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}


def row(width: int | None, strong: float) -> dict:
    return {"width": width, "title": f"model {width}", "seed": 0, "images": 200, "clean_acc": 0.9,
            "clean_interval": [0.85, 0.93], "strong_acc": strong,
            "strong_interval": [strong - 0.05, strong + 0.05]}  # fmt: skip


def drawn(chart: Chart) -> tuple[ElementTree.Element, Counter, str]:
    """The picture, how often each kind of mark is in it, and all its words."""
    root = ElementTree.fromstring(saving.to_svg(chart))
    marks = Counter(part.get("aria-roledescription") for part in root.iter())
    return root, marks, " | ".join(part.text or "" for part in root.iter(f"{SVG}text"))


def test_a_saved_chart_has_its_title_a_ground_and_a_mark_for_every_row():
    chart = width_curve.chart([row(64, 0.1), row(4096, 0.5), row(None, 0.7)], "PGD, ε 0.1, <a> & b", "kernel")
    root, marks, words = drawn(chart)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root[0].tag == f"{SVG}title" and root[0].text == chart.alt
    assert root[1].tag == f"{SVG}rect" and root[1].get("fill") == "white"
    assert (root[1].get("width"), root[1].get("height")) == (root.get("width"), root.get("height"))
    assert marks["point"] == marks["rule mark"] == len(chart) == 6
    for word in ("4,096", "kernel", "width of the network", "strong attack", "100%"):
        assert word in words
    assert {part.get("font-family") for part in root.iter(f"{SVG}text")} == {"sans-serif"}


def test_rows_with_empty_cells_are_drawn_where_they_have_a_place_and_greek_letters_stay():
    found = {"edges": [0, 0.5, 1, 1.5], "centre": [3, 0, 1], "enemy": [0, 2, 5], "images": 11}
    chart = distances.chart(found, radius=0.3, eps=0.1, norm="L2")
    _, marks, words = drawn(chart)
    bars = sum(count is not None for count in chart.data["count"])
    rules = sum(at is not None for at in chart.data["at"])
    assert (marks["rect mark"], marks["rule mark"]) == (bars, rules) == (4, 3)
    for word in ("η 0.3", "2η 0.6", "ε 0.1"):
        assert word in words


def test_what_only_a_pointer_needs_is_left_out():
    points = [{"k": k, "radius": 1 / k, "lower": 0.5 / k, "proven": False} for k in (1, 2, 4)]
    chart = frontier.chart(points, "L2", "class 3")
    assert "params" in chart.spec and "params" not in saving.specification(chart)
    root, marks, _ = drawn(chart)
    assert marks["point"] == 6
    assert not [part for part in root.iter() if "voronoi" in part.get("class", "")]  # cells to catch a click
    said = [part.get("aria-label") for part in root.iter() if part.get("aria-roledescription") == "point"]
    for point in points:
        for what, value in (("achieved", point["radius"]), ("proven lower bound", point["lower"])):
            start = f"centres per class: {point['k']}; radius η, L2, class 3: {value:g}; what: {what}"
            assert sum(label.startswith(start) for label in said) == 1, said


def test_the_curves_of_a_run_are_the_points_on_the_page():
    own = [curves.Point(1, 0.5, 0.2, 100), curves.Point(2, 0.8, None, 100)]
    _, marks, words = drawn(curves.live(own, {"random": own}, 2))
    assert marks["point"] == 3 and marks["line mark"] == 4 and "this run" in words


def test_numbers_that_have_no_place_become_empty():
    chart = Chart(data={"a": [1.0, float("nan"), float("inf"), None]}, spec=POINT, alt="few")
    assert [entry["a"] for entry in saving.specification(chart)["data"]["values"]] == [1.0, None, None, None]
    assert json.dumps(saving.specification(chart), allow_nan=False)
    assert drawn(chart)[1]["point"] == 1


def test_the_table_is_saved_as_it_is():
    chart = Chart(data={"ε": [0.1, None], "what": ['said "no", twice', "η"]}, spec=POINT, alt="few")
    read = list(csv.DictReader(io.StringIO(saving.to_csv(chart).decode(), newline="")))
    assert read == [{"ε": "0.1", "what": 'said "no", twice'}, {"ε": "", "what": "η"}]


def test_nothing_outside_is_asked_for_anything():
    spec = {"layer": [{**POINT, "data": {"url": "http://localhost:9/rows.csv"}}]}
    with pytest.raises(ResourceError, match="not allowed"):
        saving.to_svg(Chart(data={"a": [1]}, spec=spec, alt="outside"))


def test_drawing_gives_up_in_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(saving, "PATIENCE_S", 0.001)
    with pytest.raises(ResourceError, match="not drawn as SVG within"):
        saving.to_svg(Chart(data={"a": [1]}, spec=POINT, alt="late"))
