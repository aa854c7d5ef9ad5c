"""The Lab's protocol fills in settings but takes none out of hand; several networks show mean and deviation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.maps import umap
from core.ui import words
from tests.flat_map import flat_map

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 20},
    "method": {"name": "random", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 8, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {
        "eps": 0.05,
        "images": 40,
        "attack_steps": 1,
        "curve_points": 2,
        "curve_images": 9,
        "live_images": 0,
    },
    "networks": 3,
}


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    monkeypatch.setattr(umap, "embed", flat_map)
    yield
    workplace.close()


def submitted(app: AppTest) -> dict:
    """The settings that pressing Run hands over."""
    seen: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "submit", lambda config: seen.append(config) or "none")
        app.button(key="lab.run").click().run()
    assert not app.exception and api.check(seen[0]) == ""
    return seen[0]


def test_a_protocol_fills_in_what_was_not_chosen() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/lab.py").run()
    before = submitted(app)
    app.number_input(key="lab.training.lr").set_value(0.02).run()
    app.selectbox(key="lab.protocol").set_value("field-augmented").run()
    found = submitted(app)["training"]["options"]
    assert found["lr"] == 0.02
    for name, value in api.PROTOCOLS["field-augmented"].items():
        assert found[name] == value or name == "lr"
    app.selectbox(key="lab.protocol").set_value("").run()
    after = submitted(app)
    assert after["training"]["options"] == before["training"]["options"] | {"lr": 0.02}


def test_the_number_of_networks_reaches_the_run() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/lab.py").run()
    assert submitted(app)["networks"] == 1
    app.slider(key="lab.networks").set_value(5).run()
    assert submitted(app)["networks"] == 5


def test_results_of_several_networks_are_mean_and_deviation() -> None:
    record = api.here("run", RUN, name="three")
    assert record.status == "done", record.error
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = record.id
    app.run().switch_page("pages/lab.py").run()
    assert not app.exception
    found, metrics = record.result, {metric.label: metric.value for metric in reversed(app.metric)}  # the first of each
    assert metrics["Clean accuracy"] == words.spread(found["clean_mean"], found["clean_std"])
    assert " ± " in metrics["Robust accuracy"]
    assert any("mean ± standard deviation of 3 networks" in caption.value for caption in app.caption)
    app.button(key="lab.copy").click().run()
    assert submitted(app)["networks"] == 3
    assert words.spread(0.5, 0.0123) == "50.0 ± 1.2 %" and words.spread(0.5, None) == "50.0 %"
