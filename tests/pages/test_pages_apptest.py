"""Pages without a browser: launched through app.py, with no worker behind them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.types import DataConfig

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "sklearn", "umap", "scipy", "numba", "faiss", "altair", "vl_convert")


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, and no worker processes."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)


@pytest.fixture
def app() -> Iterator[AppTest]:
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def test_first_screen_offers_digits_ready_to_run(app: AppTest) -> None:
    assert not app.exception
    assert app.selectbox(key="lab.data.name").value == "digits"
    assert app.button(key="lab.run").label == "Run"
    assert app.number_input(key="lab.method.ipc").value == 10


def test_form_gives_settings_that_the_api_accepts_for_every_method_network_and_training(app: AppTest) -> None:
    for key, table in (("lab.method", api.METHODS), ("lab.network", api.NETWORKS), ("lab.training", api.TRAINERS)):
        for name in table:
            app.selectbox(key=key).set_value(name).run()
            assert not app.exception, (key, name)
            assert submitted(app)[key.removeprefix("lab.")]["name"] == name


def submitted(app: AppTest) -> dict:
    """The settings that pressing Run hands over."""
    seen: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "submit", lambda config: seen.append(config) or "none")
        app.button(key="lab.run").click().run()
    assert not app.exception and api.check(seen[0]) == ""
    return seen[0]


def test_the_slider_reaches_training_and_evaluation(app: AppTest) -> None:
    app.slider(key="lab.eps").set_value(0.2).run()
    config = submitted(app)
    assert config["training"]["options"]["eps"] == config["evaluation"]["eps"] == 0.2
    assert config["training"]["options"]["norm"] == config["evaluation"]["norm"] == "Linf"


def test_eps_of_colour_images_is_chosen_in_steps_of_one_255th(app: AppTest) -> None:
    app.selectbox(key="lab.data.name").set_value("cifar10").run()
    assert app.slider(key="lab.eps").value == 8
    assert submitted(app)["evaluation"]["eps"] == 8 / 255


def test_untouched_settings_follow_and_chosen_ones_stay(app: AppTest) -> None:
    app.selectbox(key="lab.data.name").set_value("moons").run()
    assert app.slider(key="lab.eps").value == 0.05
    app.slider(key="lab.eps").set_value(0.11).run()
    app.selectbox(key="lab.data.name").set_value("digits").run()
    assert app.slider(key="lab.eps").value == 0.11


def test_radius_replaces_the_budget(app: AppTest) -> None:
    app.button_group(key="lab.method.fix").set_value("Radius η").run()
    app.number_input(key="lab.method.radius").set_value(0.7).run()
    options = submitted(app)["method"]["options"]
    assert options["radius"] == 0.7 and options["ipc"] is None


def test_wrong_settings_are_one_sentence(app: AppTest) -> None:
    app.selectbox(key="lab.data.name").set_value("digits").run()
    app.number_input(key="lab.training.step_size").set_value(0.1)
    app.slider(key="lab.eps").set_value(0.0).run()
    app.button(key="lab.run").click().run()
    assert not app.exception
    assert "step_size" in app.error[0].value


@pytest.mark.parametrize("page", ["pages/data.py", "pages/runs.py"])
def test_other_pages_open_on_an_empty_store(app: AppTest, page: str) -> None:
    app.switch_page(page).run()
    assert not app.exception
    assert app.title[0].value in ("Data", "Runs")


def test_a_run_in_the_store_is_shown_with_its_settings(app: AppTest) -> None:
    app.button(key="lab.run").click().run()
    assert not app.exception
    assert api.runs()[0].config["data"]["name"] == DataConfig().name
    assert "python -m core run" in app.code[0].value
    app.switch_page("pages/runs.py").run()
    assert not app.exception


def test_page_process_imports_nothing_heavy() -> None:
    """Pages draw and poll; whatever computes lives in the workers."""
    code = "import core.api, core.ui.run_view, core.ui.map_view, core.ui.run_table, core.ui.data_view, core.ui.welcome"
    check = f"{code}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
