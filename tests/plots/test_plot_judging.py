"""Figures of attacks and audits are values made of values: what is drawn is what was measured."""

import io

import numpy as np
import pytest
from PIL import Image

from core.plots import attack_path, audit_card, ball, eps_compare, loss_surface, panels, per_class
from core.types import Accuracy, Attack

CURVE = [{"eps": e, "value": v, "low": v - 0.1, "high": v + 0.1, "attack": "PGD-20"} for e, v in ((0, 0.9), (0.2, 0.3))]


def test_loss_along_the_path_marks_the_moment_and_who_is_wrong():
    one = attack_path.loss([0.1, 0.5, 2.0], [-3, -1, 0.5], 1, "cross-entropy", "step")
    assert one.data["loss"] == [0.1, 0.5, 2.0] and one.data["now"] == [False, True, False]
    assert one.data["state"] == ["right", "right", "misclassified"]
    other = attack_path.loss([0.2, 0.3, 0.4], [-1, -1, -1], 2, "cross-entropy", "step")
    assert one.spec == other.spec  # moving the slider changes data only, so the chart keeps its node


def test_confidence_has_a_second_line_only_when_the_class_changes():
    two = attack_path.confidence([0.9, 0.2], [0.05, 0.7], 0, "step")
    assert two.data["share"] == [0.9, 0.2, 0.05, 0.7] and set(two.data["class"]) == {"true", "new"}
    assert attack_path.confidence([0.9, 0.8], None, 0, "step").data["class"] == ["true"] * 2


@pytest.mark.parametrize("crosses", [True, False])
def test_loss_surface_draws_a_boundary_only_where_the_class_changes(crosses: bool):
    side = np.linspace(-1.5, 1.5, 5)
    loss = np.arange(25.0).reshape(5, 5)
    margin = loss - 12 if crosses else loss - 100
    figure = loss_surface.figure(side, loss, margin, "margin", "0.1 (Linf)")
    np.testing.assert_array_equal(figure.data[0].z, loss)
    assert ("decision boundary" in [trace.name for trace in figure.data]) == crosses
    assert "0.1 (Linf)" in figure.layout.xaxis.title.text


def test_indicator_picture_writes_every_number():
    chart = audit_card.picture((("PGD-20", 44.0), ("PGD-100", 43.5)), "Converged")
    assert chart.data == {"label": ["PGD-20", "PGD-100"], "number": [44.0, 43.5]}
    assert "PGD-100 43.5" in chart.alt and "Converged" in chart.alt


def test_per_class_carries_wilson_s_interval_of_its_images():
    chart = per_class.chart([{"label": 1, "images": 20, "clean": 18, "robust": 5}], ("zero", "one"))
    expected = Accuracy(correct=5, images=20, attack=Attack(name="x"), seed=0, seconds=0)
    assert chart.data["class"] == ["one"] and chart.data["clean"] == [0.9]
    assert (chart.data["robust"], chart.data["low"], chart.data["high"]) == (
        [0.25], [expected.interval[0]], [expected.interval[1]],
    )  # fmt: skip


def test_eps_curves_of_several_runs_differ_by_colour_and_dash():
    chart = eps_compare.chart({"a": CURVE, "b": CURVE}, {"a": 100, "b": 50}, "L2")
    assert chart.data["run"] == ["a", "a", "b", "b"] and chart.data["images"] == [100, 100, 50, 50]
    line = chart.spec["layer"][1]["encoding"]
    for channel in ("color", "strokeDash"):
        assert len({str(value) for value in line[channel]["scale"]["range"]}) == 2
    assert "L2" in line["x"]["title"] and len(eps_compare.chart({}, {}, "L2")) == 0


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7)])
def test_panels_show_clean_perturbation_and_attacked(shape: tuple[int, ...]):
    clean = np.full(shape, 0.4, np.float32)
    now = clean + np.float32(0.021)
    assert panels.enlarged(clean, now, 0.05).ravel() == pytest.approx(0.71, abs=1e-6)
    assert panels.enlarged(clean, clean + 1, 0.05).max() == 1 and panels.enlarged(clean, clean - 1, 0.05).min() == 0
    assert panels.enlarged(clean, clean + 0.1, 0.1) == pytest.approx(1) and panels.enlarged(
        clean, now, 0.042
    ).ravel() == (pytest.approx(0.75, abs=1e-6))
    first, middle, last = (np.asarray(Image.open(io.BytesIO(png))) for png in panels.three(clean, now, 0.05))
    assert (first == 102).all() and (middle == 181).all() and (last == 107).all()
    film = Image.open(io.BytesIO(panels.film(np.stack([clean, now, clean]), 0.05)))
    assert film.n_frames == 3 and film.size == (3 * first.shape[1], first.shape[0])
    sheet = Image.open(io.BytesIO(panels.sheet(np.stack([clean] * 4), np.stack([now] * 4), 0.05)))
    assert sheet.size[0] > sheet.size[1] * 4 / 3 * 0.8 and sheet.mode == "RGB"


def test_colours_of_an_image_are_not_mixed_up():
    image = np.zeros((3, 2, 2), np.float32)
    image[0, 0, 0] = 1
    drawn = panels.picture(image)
    assert drawn[0, 0].tolist() == [255, 0, 0] and drawn[-1, -1].tolist() == [0, 0, 0]


def test_what_is_proven_between_two_radii_is_what_is_proven_at_the_larger():
    curve = [{"eps": e, "value": v, "low": 0, "high": 1, "attack": "PGD"} for e, v in ((0, 0.9), (0.2, 0.5))]
    proven = [{"eps": e, "value": v} for e, v in ((0.0, 0.9), (0.05, 0.7), (0.2, 0.0), (0.4, 0.0))]
    chart = eps_compare.chart({"a": curve}, {"a": 100}, "Linf", {"a": proven})
    band = [(e, p, u) for e, p, u in zip(*(chart.data[n] for n in ("eps", "proven", "upper")), strict=True) if u]
    assert band == [
        (0.0, 0.7, 0.9), (0.05, 0.7, pytest.approx(0.8)), (0.05, 0.0, pytest.approx(0.8)), (0.2, 0.0, 0.5),
        (0.2, 0.0, 0.5),
    ]  # fmt: skip
    assert [value for value in chart.data["value"] if value is not None] == [0.9, 0.5]
    assert "bounds prove" in chart.alt and "bounds" not in eps_compare.chart({"a": curve}, {"a": 1}, "Linf").alt


def test_the_ball_of_an_image_has_three_parts_and_no_attack_within_what_is_proven():
    chart = ball.chart(0.1, 0.12, 0.05, "Linf")
    assert list(zip(chart.data["from"], chart.data["to"], strict=True)) == [(0, 0.1), (0.1, 0.12), (0.12, 0.12 * 1.3)]
    assert chart.data["part"] == list(ball.PARTS) and "0.1 in Linf" in chart.alt and len(chart.spec["layer"]) == 2
    wrong = ball.chart(0.0, 0.0, 0.05, "L2")
    assert wrong.data["part"] == [ball.PARTS[2]] and wrong.data["from"] == [0]
    sure = ball.chart(np.inf, np.inf, None, "L1")
    assert sure.data["part"] == [ball.PARTS[0]] and "every move" in sure.alt and len(sure.spec["layer"]) == 1
    with pytest.raises(AssertionError, match="shorter"):
        ball.chart(0.1, 0.09, 0.05, "Linf")
