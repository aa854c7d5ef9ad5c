"""The Pareto plot: its front against brute force, its axes hold every bar, its spec is valid Vega-Lite."""

import numpy as np
import pytest

from core.plots import pareto


def row(method: str, clean: float, attacked: float, std: float | None = 0.02, training: str = "standard"):
    return {
        "method": method, "training": training, "budget": 100.0, "seeds": 3, "clean": clean, "attacked": attacked,
        "clean_std": std, "attacked_std": std,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_nobody_beats(seed):
    points = [tuple(p) for p in np.random.default_rng(seed).integers(0, 6, (9, 2)).tolist()]
    found = pareto.front(points)
    for mine, on in zip(points, found, strict=True):
        beaten = any(other[0] >= mine[0] and other[1] >= mine[1] and other != mine for other in points)
        assert on == (not beaten)
    assert any(found)


def test_the_reference_is_grey_and_no_rival():
    chart = pareto.chart([row("full", 0.99, 0.9), row("mfc", 0.8, 0.3), row("random", 0.7, 0.2)], "PGD")
    assert dict(zip(chart.data["method"], chart.data["front"], strict=True)) == {
        "full": False, "mfc": True, "random": False,
    }  # fmt: skip
    scale = chart.spec["layer"][-1]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True))["full"] == pareto.GREY


def test_bars_stay_within_the_shares_and_the_axes():
    chart = pareto.chart([row("mfc", 0.99, 0.01, std=0.05), row("random", 0.5, 0.4, std=None)], "PGD")
    assert max(chart.data["clean_high"]) == 1.0 and min(chart.data["attacked_low"]) == 0.0
    assert (chart.data["clean_low"][1], chart.data["clean_high"][1]) == (0.5, 0.5)
    x, y = (chart.spec["layer"][-1]["encoding"][axis]["scale"]["domain"] for axis in "xy")
    assert x[0] <= min(chart.data["clean_low"]) and max(chart.data["clean_high"]) <= x[1]
    assert y[0] == 0 and max(chart.data["attacked_high"]) <= y[1]
    assert len(chart) == 2 and "PGD" in chart.alt
