"""The Study page without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import place
from core.runs.study import Study, plan

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "data": {"name": "digits"}, "methods": ("random", "mfc"), "ipc": (5,), "seeds": 2, "eps": (0.1, 0.2),
    "attack_images": 50,
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    yield tmp_path
    place.store().close()


def done(study: Study, clean: float = 0.8) -> None:
    """Pretend that every cell but those of the last seed was run."""
    store = place.store()
    for cell in plan(study):
        if cell.seed + 1 == study.seeds:
            continue
        run_id = store.create("run", cell.settings.to_json(), name=cell.words, digest=cell.digest, lane="here")
        store.claim(run_id, pid=1, born=0.0)
        curve = [{"eps": 0.0, "value": clean}, {"eps": cell.eps, "value": 0.4}]
        result = {"curve": curve, "robust_acc": 0.3, "budget": 10 * (cell.ipc or 100), "classes": list("0123456789")}
        store.finish(run_id, "done", result=result, seconds={"condense": 2.5, "train": 1.5}, peak_rss_mb=321.0)


def page() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return app.switch_page("pages/study.py").run()


def test_an_empty_home_says_what_to_do(home: Path):
    app = page()
    assert not app.exception and "There is no study yet" in app.info[0].value
    assert app.button(key="study.begin").label == "Start the study"


def test_the_form_becomes_a_study_and_starts_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[str] = []
    monkeypatch.setattr(api.study, "start", started.append)
    app = page()
    app.text_input(key="study.name").set_value("mine")
    app.text_input(key="study.ipc").set_value("2, 5")
    app.text_input(key="study.eps").set_value("8/255")
    app.multiselect(key="study.methods").set_value(["random", "mfc"])
    app.run()
    app.button(key="study.begin").click().run()
    assert not app.exception and not app.error and started == ["mine"]
    study = api.study.study("mine")
    assert (study.methods, study.ipc, study.eps) == (("random", "mfc"), (2, 5), (8 / 255,))
    assert app.button(key="study.begin").label == "Continue with these settings"
    assert any("study transfer --name mine" in block.value for block in app.code)


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("study.name", "../out", "letters, digits"),
        ("study.ipc", "many", "--ipc must be"),
        ("study.eps", "-1", "positive"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(home: Path, key: str, text: str, sentence: str):
    app = page()
    app.text_input(key=key).set_value(text).run()
    if not app.error:  # what the form can read is refused when the study is begun
        app.button(key="study.begin").click().run()
    assert not app.exception and sentence in app.error[0].value and api.study.studies() == []


def test_a_half_done_study_shows_its_numbers_with_what_they_were_measured_with(home: Path):
    study = api.study.begin("half", SETTINGS)
    done(study)
    app = page()
    assert not app.exception and not app.error
    (table,) = [frame.value for frame in app.dataframe]
    assert list(table["Method"]) == ["full", "full", "random", "random", "mfc", "mfc"]
    assert set(table["Clean %"]) == {80.0} and set(table["AutoAttack %"]) == {30.0} and set(table["Seeds"]) == {1}
    assert set(table["Robust retained"]) == {1.0} and set(table["Memory MB"]) == {321}
    words = " ".join(caption.value for caption in app.caption)
    assert "AutoAttack on 50, drawn anew for each seed" in words and "± 14 points" in words
    assert app.button(key="study.go").label == "Go on"
    app.button_group(key="study.at").set_value(0.2).run()
    assert not app.exception


def test_going_on_starts_it_and_a_finished_study_offers_nothing_more(home: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[str] = []
    monkeypatch.setattr(api.study, "start", started.append)
    study = api.study.begin("half", SETTINGS)
    done(study)
    app = page()
    app.button(key="study.go").click().run()
    assert started == ["half"] and not app.exception
    api.study.begin("half", {**SETTINGS, "seeds": 1})
    whole = page()
    assert "study.go" not in [button.key for button in whole.button]
