"""The map as a figure: true members, and shapes of balls only where the data are two-dimensional."""

import numpy as np
import pytest

from core.plots import embedding
from core.types import MapData


def map_data(*, true_space: bool = False, norm: str = "L2", owned: bool = True) -> MapData:
    """Six points of two classes; images 0 and 3 are centres of 0-2 and 3-5."""
    xy = np.array([[0, 0], [1, 0], [0, 2], [5, 5], [5, 6], [7, 5]], dtype=np.float32)
    owner, distance = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2], dtype=float)
    empty = np.array([], dtype=np.int64)
    return MapData(
        xy=xy,
        y=np.array([0, 0, 0, 1, 1, 1]),
        rows=np.arange(10, 16),
        total=6,
        centres=np.array([0, 3]) if owned else empty,
        owner=owner if owned else empty,
        distance=distance if owned else empty.astype(float),
        norm=norm if owned else None,
        true_space=true_space,
    )


def trace(figure: embedding.go.Figure, name: str) -> embedding.go.Scatter:
    return next(t for t in figure.data if t.name == name)


def test_every_point_says_its_centre_and_train_row() -> None:
    figure = embedding.figure(map_data(), ("cat", "dog"))
    assert trace(figure, "dog").customdata.tolist() == [[1, 13], [1, 14], [1, 15]]
    assert trace(figure, "centres").customdata.tolist() == [[0, 10], [1, 13]]


def test_members_of_the_selected_centre_are_exactly_its_own() -> None:
    members = trace(embedding.figure(map_data(), selected=1), "members")
    assert members.customdata[:, 1].tolist() == [13, 14, 15]
    assert members.customdata[:, 2].tolist() == [0, 1, 2]


def test_nothing_is_selected_or_assigned_without_owners() -> None:
    figure = embedding.figure(map_data(owned=False), selected=0)
    assert {t.name for t in figure.data} == {"0", "1"}
    assert trace(figure, "0").customdata[:, 0].tolist() == [-1, -1, -1]


def test_no_ball_is_drawn_after_umap() -> None:
    assert not [t for t in embedding.figure(map_data()).data if t.mode == "lines"]


def test_balls_of_two_dimensional_data_have_the_true_radius() -> None:
    drawn = [t for t in embedding.figure(map_data(true_space=True)).data if t.mode == "lines"]
    x = np.array([v for v in drawn[0].x if v is not None])
    assert x.min() == pytest.approx(-2) and x.max() == pytest.approx(2)
    assert embedding.figure(map_data(true_space=True)).layout.yaxis.scaleanchor == "x"


@pytest.mark.parametrize(("norm", "order"), [("L2", 2), ("Linf", np.inf), ("L1", 1)])
def test_border_of_a_ball_lies_at_its_radius_in_its_norm(norm: str, order: float) -> None:
    centre = np.array([0.3, -0.2])
    border = embedding.ball(norm, centre, 0.7)
    assert np.linalg.norm(border - centre, ord=order, axis=1) == pytest.approx(0.7)
    assert (border[0] == border[-1]).all()


def test_table_of_balls() -> None:
    assert embedding.balls(map_data(), ("cat", "dog")) == {
        "centre": [0, 1],
        "class": ["cat", "dog"],
        "members": [3, 3],
        "radius": [2.0, 2.0],
    }


def test_many_points_are_drawn_by_webgl() -> None:
    n = embedding.GL_FROM
    empty = np.array([], dtype=np.int64)
    many = MapData(
        xy=np.zeros((n, 2), np.float32),
        y=np.zeros(n, np.int64),
        rows=np.arange(n),
        total=2 * n,
        centres=empty,
        owner=empty,
        distance=empty.astype(float),
        norm=None,
        true_space=False,
    )
    assert embedding.figure(many).data[0].type == "scattergl"
    assert embedding.figure(map_data()).data[0].type == "scatter"
