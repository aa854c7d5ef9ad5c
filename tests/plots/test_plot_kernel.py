"""The width curve and the spectrum draw exactly what they are given."""

import pytest

from core.plots import spectrum, width_curve


def row(width: int | None, strong: float, seed: int = 0) -> dict:
    return {"width": width, "title": f"model {width}", "seed": seed, "images": 200, "clean_acc": 0.9,
            "clean_interval": [0.85, 0.93], "strong_acc": strong,
            "strong_interval": [strong - 0.05, strong + 0.05]}  # fmt: skip


def test_stops_keep_their_order_and_the_kernel_is_last():
    chart = width_curve.chart([row(64, 0.1), row(64, 0.2, 1), row(4096, 0.5), row(None, 0.7)], "PGD, Linf, ε 0.1")
    order = chart.spec["layer"][0]["encoding"]["x"]["sort"]
    assert order == ["64", "4,096", "kernel"] and len(chart) == 8 and "PGD, Linf, ε 0.1" in chart.alt
    strong = [v for v, what in zip(chart.data["value"], chart.data["what"], strict=True) if what == "strong attack"]
    assert strong == [0.1, 0.2, 0.5, 0.7]
    assert chart.data["low"][-1] == pytest.approx(0.65) and set(chart.data["images"]) == {200}


def test_the_chosen_stop_is_marked_in_the_data_and_the_drawing_stays():
    rows = [row(64, 0.1), row(4096, 0.5), row(None, 0.7)]
    before, after = (width_curve.chart(rows, "PGD", chosen) for chosen in ("64", "kernel"))
    assert before.spec == after.spec
    assert [v for v, stop in zip(after.data["chosen"], after.data["stop"], strict=True) if stop == "kernel"] == [
        True
    ] * 2
    assert sum(before.data["chosen"]) == sum(after.data["chosen"]) == 2


def test_spectrum_draws_the_ridge_and_says_what_is_left_out():
    chart = spectrum.chart([4.0, 2.0, -1e-12, 0.0], 0.5)
    assert chart.data["rank"] == [1, 2] and chart.data["value"] == [4.0, 2.0]
    assert chart.data["floor"] == [pytest.approx(0.75)] * 2 and "2 not above zero are not drawn" in chart.alt
    assert len(spectrum.chart([1.0], 0.0).spec["layer"]) == 1
