"""Figures of the Covering page: values drawn are values given, and nothing is drawn that was not computed."""

import numpy as np

from core.plots import cover_map, distances, frontier
from core.types import MapData

ROWS = [
    {"label": 0, "k": 1, "radius": 3.0, "lower": 3.0, "proven": True},
    {"label": 0, "k": 2, "radius": 2.0, "lower": 1.5, "proven": False},
    {"label": 1, "k": 1, "radius": 4.0, "lower": 2.0, "proven": False},
    {"label": 1, "k": 2, "radius": 1.0, "lower": 1.0, "proven": True},
    {"label": 1, "k": 3, "radius": 0.0, "lower": 0.0, "proven": True},
]


def test_the_largest_over_classes_takes_radius_and_bound_each_on_its_own():
    points = frontier.of_all(ROWS)
    assert [(p["k"], p["radius"], p["lower"], p["proven"]) for p in points] == [
        (1, 4.0, 3.0, False), (2, 2.0, 1.5, False), (3, 2.0, 0.0, False),
    ]  # fmt: skip


def test_a_bound_of_few_centres_is_not_one_of_more():
    early = [row for row in ROWS if (row["label"], row["k"]) != (1, 2)]
    assert frontier.of_all(early)[1] == {"k": 2, "radius": 4.0, "lower": 1.5, "proven": False}


def test_a_number_of_centres_that_some_class_never_had_is_left_out():
    assert [p["k"] for p in frontier.of_all([*ROWS[1:]])] == [2, 3]


def test_the_frontier_draws_both_lines_and_one_selection_that_carries_k():
    chart = frontier.chart(frontier.of_class(ROWS, 0), "L2", "class 0")
    assert list(zip(chart.data["what"], chart.data["k"], chart.data["radius"], strict=True)) == [
        ("achieved", 1, 3.0), ("achieved", 2, 2.0), ("proven lower bound", 1, 3.0), ("proven lower bound", 2, 1.5),
    ]  # fmt: skip
    assert chart.spec["params"][0]["select"]["fields"] == ["k"]


def test_distances_keep_every_count_and_mark_radius_twice_the_radius_and_eps():
    found = {"edges": [0.0, 1.0, 2.0], "centre": [3, 1], "enemy": [0, 4], "images": 4}
    chart = distances.chart(found, radius=0.7, eps=0.1, norm="L1")
    counts = [c for c in chart.data["count"] if c is not None]
    assert sum(counts) == 8 and 0 not in counts
    assert [at for at in chart.data["at"] if at is not None] == [0.7, 1.4, 0.1]
    assert "L1" in chart.spec["layer"][0]["encoding"]["x"]["title"]


def plane() -> MapData:
    xy = np.array([[0.0, 0.0], [0.2, 0.0], [1.0, 1.0], [1.0, 0.7]], np.float32)
    return MapData(
        xy=xy, y=np.array([0, 0, 1, 1]), rows=np.arange(4), total=4, centres=np.array([0, 2]),
        owner=np.array([0, 0, 1, 1]), distance=np.array([0.0, 0.2, 0.0, 0.3]), norm="Linf", true_space=True,
    )  # fmt: skip


def test_uncovered_points_are_crossed_and_only_they():
    figure = cover_map.solving(plane(), ("a", "b"), np.array([False, False, True, True]))
    cross = next(trace for trace in figure.data if trace.name == "no cover yet")
    assert sorted(zip(cross.x, cross.y, strict=True)) == [(1.0, np.float32(0.7)), (1.0, 1.0)]
    assert all(t.name != "no cover yet" for t in cover_map.solving(plane(), (), np.zeros(4, bool)).data)


def test_overlap_colours_points_by_the_balls_that_hold_them_and_keeps_true_squares():
    figure = cover_map.overlap(plane(), np.array([1, 2, 5, 1]))
    sizes = {
        trace.name: len(trace.x) for trace in figure.data if trace.name in {level[0] for level in cover_map.LEVELS}
    }
    assert sizes == {"1 ball": 2, "2 balls": 1, "4 or more": 1}
    square = next(trace for trace in figure.data if trace.mode == "lines")
    assert np.allclose(sorted({abs(v) for v in square.x if v is not None}), [0.2])
    assert not any(trace.name in ("0", "1") for trace in figure.data)
