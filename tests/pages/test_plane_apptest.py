"""Points of the plane on the pages without a browser: attacked over the class regions, previewed, studied by an MLP."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.types import DataConfig
from core.ui.lab import plane_view

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "moons", "limit": 40},
    "method": {"name": "random", "options": {"ipc": 5}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "standard", "options": {"epochs": 20}},
    "evaluation": {"norm": "L2", "eps": 0.08, "images": 20, "attack_steps": 5, "curve_points": 2, "live_images": 0},
}


@pytest.fixture(scope="module")
def run_id(alone: pytest.MonkeyPatch) -> str:
    record = api.here("run", RUN, name="moons")
    assert record.status == "done", record.error
    return record.id


@pytest.fixture
def app(run_id: str) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def figures(app: AppTest) -> list[dict[str, dict]]:
    """The traces of every plotly figure on the page, by name."""
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return [{trace.get("name", trace["type"]): trace for trace in spec["data"]} for spec in specs]


def numbers(trace: dict, axis: str) -> np.ndarray:
    """The values of a trace along an axis, as plotly packs them."""
    found = trace[axis]
    if isinstance(found, dict):
        found = np.frombuffer(base64.b64decode(found["bdata"]), np.dtype(found["dtype"]))
    return np.array(found, float)


def test_an_attack_is_drawn_over_the_regions_with_its_budget_and_its_way(app: AppTest, run_id: str):
    job = api.here("attack", dict(api.get(api.submit_attack(run_id, {"norm": "L2", "eps": 0.1, "steps": 4})).config)).id
    app.switch_page("pages/attack.py")
    app.query_params["job"] = job
    app.run()
    assert not app.exception and not app.error
    whole, one = figures(app)[:2]
    assert "heatmap" in whole and "heatmap" in one
    played = api.playback(job)
    first = int(np.flatnonzero(played.fooled)[0]) if played.fooled.any() else 0
    way, now = played.frames[first].reshape(-1, 2), int(played.best[first])
    so_far, shape = one["way so far"], one["budget ε (L2)"]
    assert np.allclose(numbers(so_far, "x"), way[: now + 1, 0]) and np.allclose(numbers(so_far, "y"), way[: now + 1, 1])
    border = np.stack([numbers(shape, "x"), numbers(shape, "y")], 1)
    assert np.allclose(np.linalg.norm(border - way[0], axis=1), 0.1)
    assert len(numbers(whole["flipped"], "x")) == played.fooled.sum()


def test_a_run_that_left_no_regions_says_so(app: AppTest, run_id: str):
    regions = Path(api.home()) / "runs" / run_id / "plane.npz"
    job = api.here("attack", dict(api.get(api.submit_attack(run_id, {"norm": "L2", "eps": 0.1, "steps": 3})).config)).id
    kept = regions.read_bytes()
    regions.unlink()
    try:
        app.switch_page("pages/attack.py")
        app.query_params["job"] = job
        app.run()
    finally:
        regions.write_bytes(kept)
    assert not app.exception and "heatmap" not in figures(app)[0]
    assert any("The run left no class regions" in caption.value for caption in app.caption)


def test_test_points_to_choose_from_stand_over_the_regions(app: AppTest, run_id: str):
    app.switch_page("pages/attack.py").run()
    assert not app.exception and not app.error
    (shown,) = figures(app)
    _, test = api.plane.of_record(run_id)
    drawn = sum(len(numbers(trace, "x")) for name, trace in shown.items() if name.endswith(", test"))
    assert "heatmap" in shown and drawn == len(test[2]) > 24


def test_data_of_two_numbers_are_previewed_where_they_lie(app: AppTest):
    job = api.here("data", DataConfig(name="circles").model_dump(mode="json")).id
    app.switch_page("pages/data.py")
    app.query_params["job"] = job
    app.run()
    assert not app.exception and not app.error
    (shown,) = figures(app)
    (_, xy, y), _ = api.plane.of_record(job)
    names = api.results.DataResult.of(api.get(job)).classes
    for label, name in enumerate(names):
        assert np.allclose(numbers(shown[f"{name}, train"], "x"), xy[y == label, 0])
    assert any("train points (filled)" in caption.value for caption in app.caption)


def test_a_study_of_the_plane_takes_an_mlp_and_its_usual_budgets(app: AppTest):
    app.switch_page("pages/study.py").run()
    assert app.selectbox(key="study.network").value == "small-cnn"
    app.selectbox(key="study.data").set_value("moons").run()
    assert not app.exception
    assert app.selectbox(key="study.network").value == "mlp"
    assert app.text_input(key="study.eps").value == "0.05, 0.1"
    app.selectbox(key="study.network").set_value("ntk-mlp").run()
    assert app.selectbox(key="study.network").value == "ntk-mlp"


def test_a_run_whose_classifier_is_there_before_its_result_is_drawn_later(run_id: str, monkeypatch: pytest.MonkeyPatch):
    record = api.get(run_id)
    drawn: list[object] = []
    monkeypatch.setattr(plane_view.st, "plotly_chart", lambda figure, **_: drawn.append(figure))
    plane_view.view(replace(record, status="running", result={}))
    assert drawn == []
    plane_view.view(record)
    assert len(drawn) == 1
