"""The Attack and Audit pages without a browser: launched through app.py, on runs that were done in this process."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 12},
    "method": {"name": "random", "options": {"ipc": 10}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {"eps": 0.1, "images": 20, "attack_steps": 5, "curve_points": 3, "curve_images": 9, "live_images": 0},
}
AUDIT = {"images": 20, "steps": 20, "short_steps": 5, "restarts": 2, "queries": 100}


@pytest.fixture(scope="module")
def run_id(alone: pytest.MonkeyPatch) -> str:
    """A finished run, with no worker behind the pages."""
    return api.here("run", RUN, name="small").id


@pytest.fixture
def app(run_id: str) -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def do(kind: str, job: str) -> str:
    """Do a queued job in this process; the id of the record that holds what it left."""
    record = api.here(kind, dict(api.get(job).config))
    workplace.store().request_cancel(job)
    assert record.status == "done", record.error
    return record.id


def job_of(app: AppTest) -> str:
    """The attack in the URL; AppTest gives a list for what the page wrote."""
    found = app.query_params["job"]
    return found if isinstance(found, str) else found[0]


def texts(app: AppTest) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.header) for element in kind)


def test_attack_submits_the_form_and_draws_what_came_of_it(app: AppTest, run_id: str):
    app.switch_page("pages/attack.py").run()
    app.slider(key="attack.steps").set_value(4)
    app.slider(key="attack.eps").set_value(0.15).run()
    app.button(key="attack.go").click().run()
    assert not app.exception and not app.error
    job = job_of(app)
    config = api.get(job).config
    assert config["run"] == run_id and (config["attack"]["eps"], config["attack"]["steps"]) == (0.15, 4)
    app.query_params["job"] = finished = do("attack", job)
    app.run()
    assert not app.exception and not app.error
    result = api.get(finished).result
    assert app.metric[0].value == f"{result['fooled']} of {result['right']}"
    assert "PGD-4 · Linf · ε 0.15 · step 0.0938 · 1 random start" in texts(app) and "10 test images · seed 0" in texts(
        app
    )
    assert "audit: not run" in texts(app)
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 2
    (surface,) = app.get("plotly_chart")
    settings = json.loads(surface.proto.config)
    assert settings["modeBarButtons"][0][-1] == "toImage" and settings["toImageButtonOptions"]["format"] == "svg"
    assert settings["toImageButtonOptions"]["filename"].startswith(f"{finished}-image-")


def test_moving_the_slider_shows_another_moment_and_a_changed_eps_attacks_again(app: AppTest, run_id: str):
    finished = do("attack", api.submit_attack(run_id, {"eps": 0.1, "steps": 3, "grid": 3}))
    app.switch_page("pages/attack.py")
    app.query_params["job"] = finished
    app.run()
    played = api.playback(finished)
    slider = next(s for s in app.select_slider if s.label == "Moment of the attack")
    slider.set_value(0).run()
    clean = [m.value for m in app.markdown if m.value.startswith(("Clean: ", "Attacked: "))]
    assert clean[0].split(": ")[1] == clean[1].split(": ")[1] and played.frames.shape[1] == 5
    app.button(key="attack.go").click().run()
    first = job_of(app)
    app.slider(key="attack.eps").set_value(0.2).run()
    second = job_of(app)
    assert first != second and api.get(first).status == "cancelled" and api.get(second).config["attack"]["eps"] == 0.2


def test_test_images_are_chosen_by_looking(app: AppTest, run_id: str):
    kept = api.test_images(run_id)
    assert len(kept) == 10 and all(len(images) >= 8 for images in kept.values())
    app.switch_page("pages/attack.py").run()
    assert not app.exception and not app.error
    row, other = (kept["0"][place][0] for place in (0, 1))
    app.button(key=f"attack.pick.{row}").click().run()
    app.button(key=f"attack.pick.{other}").click().run()
    assert app.text_input(key="attack.rows").value == f"{row}, {other}"
    app.button(key=f"attack.pick.{row}").click().run()
    app.button(key="attack.go").click().run()
    assert not app.exception and not app.error
    job = api.get(job_of(app))
    assert job.config["attack"]["rows"] == [other]
    finished = do("attack", job.id)
    assert api.playback(finished).rows.tolist() == [other] and api.playback(finished).y.tolist() == [0]


def test_a_wrong_row_is_one_sentence(app: AppTest):
    app.switch_page("pages/attack.py").run()
    app.text_input(key="attack.rows").set_value("three").run()
    assert not app.exception and "whole numbers" in app.error[0].value


def test_audit_shows_state_numbers_and_every_indicator(app: AppTest, run_id: str):
    app.switch_page("pages/audit.py").run()
    assert not app.exception and "audit: not run" in texts(app) and "PGD only" in texts(app)
    app.slider(key="audit.eps").set_value(0.12).run()
    app.button(key="audit.go").click().run()
    assert not app.exception and "audit: running" in texts(app)
    job = next(record for record in api.audits(run_id) if record.status == "queued")
    assert job.config["audit"]["eps"] == 0.12
    workplace.store().request_cancel(job.id)
    do("audit", api.submit_audit(run_id, AUDIT))
    do("evaluate", api.submit_evaluation(run_id, {"attack": "autoattack", "eps": 0.1, "images": 20, "curve_points": 0}))
    app.run()
    assert not app.exception
    state, shown = api.audit_state(run_id), texts(app)
    assert f"audit: {state}" in shown and "AutoAttack, Linf, ε 0.1" in shown and "20 test images · seed 0" in shown
    report = api.audit_report(api.audit_of(run_id))
    for indicator in report.indicators:
        assert indicator.title in shown and indicator.meaning in shown and indicator.rule in shown
    words = {"pass": "✓ pass", "warn": "! warn", "fail": "✕ fail"}
    for verdict, word in words.items():
        assert shown.count(word) == sum(i.verdict == verdict for i in report.indicators)
    table = app.dataframe[0].value
    assert list(table["attack"]) == ["APGD-CE", "APGD-T", "FAB-T", "Square"]


@pytest.mark.parametrize("page", ["pages/attack.py", "pages/audit.py"])
def test_pages_without_a_finished_run_say_where_to_get_one(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(workplace, "EXAMPLES", tmp_path / "none")
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page(page).run()
    assert not app.exception and "a finished run of the Lab has one" in app.info[0].value
