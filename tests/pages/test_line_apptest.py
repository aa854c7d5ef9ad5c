"""What a waiting run waits for, and a curve that is read where the form stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.settings.run import RunConfig

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = RunConfig(method="random", evaluation={"eps": 0.1}).to_json()
CURVE = [{"eps": e, "value": v, "low": v - 0.05, "high": v + 0.05, "attack": "PGD"} for e, v in ((0, 0.9), (0.2, 0.5))]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    yield
    workplace.store().close()


def opened(run_id: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = run_id
    return app.run().switch_page("pages/lab.py").run()


def test_a_waiting_run_names_what_it_waits_for() -> None:
    store = workplace.store()
    reference = store.create("run", SETTINGS, name="reference", digest="", lane="later")
    going = store.create("run", SETTINGS, name="long one", digest="", lane="work")
    store.claim(going, pid=1, born=0.0)
    store.claim(store.create("data", {}, name="a look at data", digest="", lane="light"), pid=2, born=0.0)
    mine = store.create("run", SETTINGS, name="mine", digest="", lane="work")
    assert api.ahead(reference) == [going, mine]
    assert api.ahead(going) == [] and api.ahead(mine) == [going]


def test_the_curve_of_a_finished_run_is_read_at_the_budget_of_the_form() -> None:
    store = workplace.store()
    run_id = store.create("run", SETTINGS, name="done", digest="", lane="here")
    store.claim(run_id, pid=1, born=0.0)
    result = {"clean_acc": 0.9, "robust_acc": 0.7, "eps": 0.1, "curve": CURVE, "curve_images": 200, "attack": "PGD"}
    store.finish(run_id, "done", result=result)
    app = opened(run_id)
    assert not app.exception
    assert any("At ε 0.1: between **50.0 %**, measured at 0.2, and **90.0 %**" in text.value for text in app.markdown)
    app.slider(key="lab.eps").set_value(0.2).run()
    assert any("At ε 0.2: **50.0 %** (95 %: 45.0 to 55.0 %), 200 test images" in text.value for text in app.markdown)
    app.slider(key="lab.eps").set_value(0.3).run()
    assert any("nothing was measured" in text.value for text in app.markdown)
