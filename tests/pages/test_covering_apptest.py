"""The Covering page without a browser, on covers that are solved in this process."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import data, workplace
from core.types import DataConfig
from core.ui import glossary

ROOT = Path(__file__).resolve().parents[2]
DATA = {"name": "digits"}


@pytest.fixture(scope="module", autouse=True)
def home(alone: pytest.MonkeyPatch) -> None:
    """A home with the description of digits and one finished cover of it, and nobody who works on runs."""
    api.here("data", DataConfig(**DATA).model_dump(mode="json"))
    described = workplace.store().runs(kind="data")[0]
    alone.setattr(api, "prepared", lambda config: described)
    record = api.here("covering", api.covering.settings(DATA, "L2", ipc=10))
    assert record.status == "done", record.error


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/covering.py").run()
    assert not app.exception and not app.error
    return app


def texts(app: AppTest) -> str:
    return "\n".join(e.value for kind in (app.markdown, app.caption, app.title) for e in kind)


def covers() -> list:
    return workplace.store().runs(kind="covering")


def test_a_finished_cover_is_shown_with_its_certificate_and_all_that_is_known_of_it():
    before = len(covers())
    app = opened()
    assert len(covers()) == before  # found, not solved again
    numbers = {metric.label: metric.value for metric in app.metric}
    found = api.covering.cover(covers()[-1].id)
    assert numbers["Centres"] == "100" and numbers["Proven gap"] == f"{100 * found.gap:.1f} %"
    assert numbers["Covering radius η (L2)"] == f"{found.radius:.4g}"
    assert numbers["Mixed balls"] == f"{found.mixed_balls} of 100"
    told = {metric.label.partition(" (")[0]: metric.help for metric in app.metric}
    assert told["Centres"] == glossary.CENTRE and told["Covering radius η"] == glossary.RADIUS
    assert told["Separation"] == glossary.SEPARATION and told["Mixed balls"] == glossary.MIXED
    assert glossary.NORM in app.segmented_control(key="covering.norm").help
    for words in ("Certificate valid", "1,438 distances", "balls of different classes overlap", "12 of 100 balls",
                  "20 points, ", "the bound needs one norm", "random is one draw"):  # fmt: skip
        assert words in texts(app), words
    assert "python -m core condense" in app.code[0].value
    table = next(frame.value for frame in app.dataframe if "method" in frame.value)
    assert list(table["method"]) == ["This engine", "Greedy", "k-center", "Random"]
    radii = table["largest radius at equal k (L2)"]
    assert radii[0] == found.radius and radii[0] == min(radii)


def test_the_run_that_the_bound_needs_is_set_up_by_one_click():
    app = opened()
    app.button(key="covering.bound.train").click().run()
    assert not app.exception and app.button(key="lab.run")
    assert app.segmented_control(key="lab.norm").value == "L2"
    assert app.selectbox(key="lab.data.name").value == "digits" and app.selectbox(key="lab.method").value == "mfc"


def test_a_ball_is_chosen_by_number_and_the_overlap_by_colour():
    app = opened()
    app.number_input(key="covering.centre").set_value(3).run()
    assert "members" in texts(app) and not app.exception
    app.number_input(key="covering.centre").set_value(None).run()
    app.segmented_control(key="covering.look").set_value("Overlap").run()
    assert "also lie in a ball of another class" in texts(app) and not app.exception


def test_a_moved_slider_queues_a_solve_and_another_move_cancels_it():
    app = opened()
    app.slider(key="covering.ipc").set_value(7).run()
    first = covers()[0]
    assert (first.config["method"]["options"]["ipc"], first.status) == (7, "queued")
    app.slider(key="covering.ipc").set_value(8).run()
    assert api.get(first.id).status == "cancelled"
    assert covers()[0].config["method"]["options"]["ipc"] == 8
    app.segmented_control(key="covering.fix").set_value("Radius").run()
    app.segmented_control(key="covering.norm").set_value("Linf").run()
    options = covers()[0].config["method"]["options"]
    assert options["norm"] == "Linf" and options["radius"] > 0 and options["ipc"] is None
    assert not app.exception and not app.error
    assert app.button(key="covering.cancel")  # nothing is covered yet, so there is nothing to keep


def test_the_frontier_is_asked_for_once():
    app = opened()
    app.button(key="covering.trace").click().run()
    jobs = workplace.store().runs(kind="frontier")
    assert len(jobs) == 1 and jobs[0].config["method"]["options"]["norm"] == "L2"
    assert api.covering.trace(jobs[0].config) == jobs[0].id
    app.button(key="covering.trace.cancel").click().run()
    assert api.get(jobs[0].id).status == "cancelled" and not app.exception


def test_data_that_cannot_be_loaded_are_asked_for_once_and_again_when_the_reader_says_so(
    alone: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
):
    def jobs() -> list:
        return [job for job in workplace.store().runs(kind="data") if job.config["name"] == "/nowhere.npz"]

    monkeypatch.setattr(api, "prepared", data.prepared)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["covering.data.name"] = "/nowhere.npz"
    app.run().switch_page("pages/covering.py").run()
    assert len(jobs()) == 1 and not app.exception
    workplace.store().claim(jobs()[0].id, pid=1, born=0.0)
    workplace.store().finish(jobs()[0].id, "failed", error="there is no data set '/nowhere.npz'")
    for _ in range(2):
        app.run()
        assert len(jobs()) == 1 and "there is no data set" in app.sidebar.warning[0].value
    app.button(key="covering.again").click().run()
    assert len(jobs()) == 2 and not app.exception
