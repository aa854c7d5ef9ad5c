"""Pages without a browser: launched through app.py, with no worker behind them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.settings.run import RunConfig
from core.types import DataConfig, OptionInfo
from core.ui import form

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty home, and no worker processes."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)


@pytest.fixture
def app() -> Iterator[AppTest]:
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/lab.py").run()


def test_the_first_screen_is_play() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception and not app.error
    assert app.get("bidi_component") and not app.button


def test_the_lab_offers_digits_ready_to_run(app: AppTest) -> None:
    assert not app.exception
    assert app.selectbox(key="lab.data.name").value == "digits"
    assert app.button(key="lab.run").label == "Run"
    assert app.number_input(key="lab.method.ipc").value == 10


def test_form_gives_settings_that_the_api_accepts_for_every_method_network_and_training(app: AppTest) -> None:
    for key, table in (("lab.method", api.METHODS), ("lab.network", api.NETWORKS), ("lab.training", api.TRAINERS)):
        app.selectbox(key="lab.network").set_value("small-cnn").run()  # not every network suits every training
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


@pytest.mark.parametrize("method", [name for name, row in api.METHODS.items() if "norm" in row.Config.model_fields])
def test_a_method_reads_the_attack_unless_it_is_given_its_own(app: AppTest, method: str) -> None:
    app.selectbox(key="lab.method").set_value(method).run()
    app.slider(key="lab.eps").set_value(0.17).run()
    read = {"norm": "Linf"} | ({"eps": 0.17} if "eps" in api.METHODS[method].Config.model_fields else {})
    assert read.items() <= submitted(app)["method"]["options"].items()
    drawn = {widget.key for kind in ("slider", "number_input", "button_group") for widget in app.get(kind)}
    assert not drawn & {"lab.method.norm", "lab.method.eps"}
    app.toggle(key="lab.method.own").set_value(True).run()
    app.button_group(key="lab.method.norm").set_value("L1").run()
    app.slider(key="lab.eps").set_value(0.08).run()
    found = submitted(app)
    assert found["method"]["options"]["norm"] == "L1" and found["evaluation"]["norm"] == "Linf"
    assert found["evaluation"]["eps"] == found["training"]["options"].get("eps", 0.08) == 0.08


def test_images_that_a_paper_speaks_of_are_first_asked_alone(app: AppTest) -> None:
    assert submitted(app)["training"]["name"] != "standard"
    app.selectbox(key="lab.method").set_value("adv-kip").run()
    assert submitted(app)["training"]["name"] == "standard"
    assert any("robust from the data alone, without an attack" in caption.value for caption in app.caption)
    app.selectbox(key="lab.training").set_value("adversarial").run()
    assert any(caption.value.startswith("Not the claim of the paper") for caption in app.caption)
    app.selectbox(key="lab.method").set_value("mfc").run()
    assert submitted(app)["training"]["name"] == "adversarial"


def test_an_untouched_setting_follows_even_when_its_run_of_the_page_was_cut_short(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, cut = form.widget, iter([True])

    def once(info: OptionInfo, key: str, default: object) -> object:
        if key == "lab.evaluation.attack_steps" and next(cut, False):
            form.follow(key, default)
            st.session_state[key] = 100  # what a browser sends again that was never told of the new value
            st.rerun()
        return draw(info, key, default)

    assert app.number_input(key="lab.evaluation.attack_steps").value == 100
    monkeypatch.setattr(form, "widget", once)
    app.selectbox(key="lab.data.name").set_value("moons").run()
    assert app.number_input(key="lab.evaluation.attack_steps").value == 40


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


def test_no_run_is_left_out_of_the_table_without_a_word(app: AppTest) -> None:
    store, config = workplace.store(), RunConfig(method="random").to_json()
    for number in range(205):
        store.create("run", config, name=f"number {number}", digest="", lane="here")
    app.switch_page("pages/runs.py").run()
    assert not app.exception and not app.error
    (table,) = app.dataframe
    assert len(table.value) == 200 and table.value["name"][0] == "number 204"
    assert any("200 of 205 runs, newest first" in caption.value for caption in app.caption)
    assert app.get("pagination")
    app.text_input(key="runs.text").set_value("number 204").run()
    assert len(app.dataframe[0].value) == 1 and any(c.value.startswith("1 run. ") for c in app.caption)
