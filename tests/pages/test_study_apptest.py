"""The Study page without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.settings.study import Place, Study, plan
from core.ui.study.explore import scale_of

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "data": {"name": "digits"}, "methods": ("random", "mfc"), "ipc": (5,), "seeds": 2, "eps": (0.1, 0.2),
    "attack_images": 50,
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(workplace, "EXAMPLES", tmp_path / "none")
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    yield tmp_path
    workplace.close()


def done(study: Study, clean: float = 0.8) -> None:
    """Pretend that every cell but those of the last seed was run."""
    store = workplace.store()
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
    assert list(table["Method"]) == ["Full data"] * 2 + ["Random"] * 2 + ["Covering"] * 2
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


def test_published_rows_stand_below_a_study_and_those_that_do_not_compare_only_on_request(home: Path):
    study = api.study.begin("colour", {**SETTINGS, "data": {"name": "cifar10"}, "ipc": (10,), "eps": (8 / 255,)})
    done(study)
    app = page()
    assert not app.exception and len(app.dataframe) == 2
    shown = app.dataframe[1].value
    assert "Zhang2019Theoretically" in set(shown["Method"]) and "BACON" not in set(shown["Method"])
    assert all(shown["Source"].str.startswith("https://")) and all(shown["Use"].str.len() > 10)
    app.toggle(key="study.published.aside").set_value(True).run()
    assert "BACON" in set(app.dataframe[2].value["Method"]) and "after normalisation" in app.warning[0].value


def test_a_study_is_written_up_for_a_paper(home: Path):
    study = api.study.begin("half", SETTINGS)
    done(study)
    app = page()
    assert not app.exception
    table = app.dataframe[0].value
    assert table["AutoAttack over random"].iloc[4].startswith("+0.0 [") and table["Clean over random"].iloc[2] == "–"
    keys = [button.key for button in app.get("download_button")]
    assert {f"study.paper.{form}" for form in (*api.paper.FORMS, "svg", "pdf", "bundle")} <= set(keys)
    for form in api.paper.FORMS:
        assert len(api.paper.of_study("half", form, 0.1)) > 100
    assert "2 of 12 runs" not in api.paper.of_study("half", "html") and "runs of this study are done" in (
        api.paper.of_study("half", "html")
    )


def explored(app: AppTest) -> list[str]:
    """Clean and robust accuracy under Explore."""
    return [metric.value for metric in app.metric]


def test_explore_stands_on_a_measured_cell_and_offers_to_measure_where_there_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[str] = []
    monkeypatch.setattr(api.study, "start", started.append)
    study = api.study.begin("half", SETTINGS)
    done(study)
    app = page()
    assert explored(app) == ["80.0 %", "30.0 %"] and "study.explore.queue" not in [b.key for b in app.button]
    app.select_slider(key="study.explore.eps").set_value("0.15").run()
    assert explored(app) == ["–"] * 2 and "Covering, 5 per class, Standard, ε 0.15" in app.info[0].value
    go = [button for button in app.button if (button.key or "").startswith("study.explore.go")]
    assert [button.label for button in go] == ["ε 0.1, 5 per class", "ε 0.2, 5 per class"]
    app.button(key="study.explore.queue").click().run()
    assert not app.exception and started == ["half"]
    wider = api.study.study("half")
    assert wider.places == (Place(method="mfc", ipc=5, training="standard", eps=0.15),)
    assert api.study.progress("half") == (12, 22)  # one more cell of two seeds
    assert "not done yet" in " ".join(caption.value for caption in app.caption)
    assert api.study.begin("half", SETTINGS).places == wider.places  # the form knows of no single cell


def test_explore_goes_to_a_measured_cell_nearby(home: Path):
    done(api.study.begin("half", SETTINGS))
    app = page()
    app.select_slider(key="study.explore.ipc").set_value("6").run()
    assert explored(app) == ["–"] * 2
    next(button for button in app.button if (button.key or "").startswith("study.explore.go")).click().run()
    assert not app.exception and explored(app) == ["80.0 %", "30.0 %"]


def test_a_cell_beside_an_example_becomes_a_study_of_ones_own(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setenv("BALLAST_HOME", str(home))
    first, second = (Place(method="mfc", ipc=3, training="standard", eps=eps) for eps in (0.1, 0.15))
    assert api.study.widen("example-transfer", first) == "my-transfer"
    assert api.study.widen("example-transfer", second) == "my-transfer"
    mine = api.study.study("my-transfer")
    assert (mine.methods, mine.ipc, mine.eps, mine.places) == (("mfc",), (3,), (0.1,), (second,))
    assert mine.set == api.study.study("example-transfer").set and mine.seeds == 3
    api.study.begin("my-transfer", mine.to_json() | {"epochs": 1})
    assert api.study.widen("example-transfer", first) == "my-transfer-2"


def test_the_radii_of_a_slider_hold_every_measured_one():
    for radii, rgb in (([0.05, 0.1, 0.2], False), ([2 / 255, 8 / 255], True), ([0.1], False), ([0.5, 1.5], False)):
        found = scale_of(radii, rgb)
        assert set(radii) <= set(found) and found == sorted(set(found)) and found[-1] >= radii[-1] and len(found) < 40
        assert len({f"{eps:.6f}" for eps in found}) == len(found)
    assert scale_of([2 / 255, 8 / 255], True)[0] == pytest.approx(1 / 255)
