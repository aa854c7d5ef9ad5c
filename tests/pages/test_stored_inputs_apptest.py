"""The Lab offers finished runs that fit as the start or source of a method, by their titles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace
from core.engine import writing
from core.settings.run import RunConfig
from core.types import RunRecord
from core.ui.lab import stored_inputs

ROOT = Path(__file__).resolve().parents[2]


def finished(
    name: str, data: str, shape: list[int], classes: int, kind: str = "run", files: tuple[str, ...] = (),
    method: str = "mfc",
) -> str:  # fmt: skip
    """A run in the store that is done, with empty files in its folder."""
    store = workplace.store()
    settings = RunConfig(data={"name": data}, method={"name": method}).to_json()
    config = {"settings": settings} if kind == "train" else settings
    run_id = store.create(kind, config, name=name, digest="", lane="here")
    store.claim(run_id, pid=1, born=0.0)
    result = {"shape": shape, "classes": [str(i) for i in range(classes)]}
    store.finish(run_id, "done", result=result)
    for file in files:
        writing.save_bytes(workplace.home() / "runs" / run_id / file, b"")
    return run_id


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    both = ("condensed.npz", "best.safetensors")
    yield {
        "twin": finished("same size", "kmnist", [1, 8, 8], 10, files=both),
        "own": finished("my digits", "digits", [1, 8, 8], 10, files=both),
        "set": finished("only a set", "digits", [1, 8, 8], 10, "condense", ("condensed.npz",)),
        "net": finished("only a network", "digits", [1, 8, 8], 10, "train", ("best.safetensors",)),
        "colour": finished("colour", "cifar10", [3, 32, 32], 10, files=both),
        "few": finished("few classes", "other", [1, 8, 8], 3, files=both),
    }
    workplace.close()


def names(found: list[RunRecord]) -> list[str]:
    return [record.name for record in found]


def test_a_run_of_another_kind_is_read_as_one_of_its_kind(runs: dict[str, str]) -> None:
    """A study of widths tells the name of a loss where a run tells its value."""
    store, before = workplace.store(), names(stored_inputs.fitting("condensed", "digits"))
    for kind in api.results.RESULTS:
        run_id = store.create(kind, {"settings": {"data": {"name": "digits"}}}, name=kind, digest="", lane="here")
        store.claim(run_id, pid=1, born=0.0)
        told = {"shape": [1, 8, 8], "classes": [], "loss": "mse"} if kind == "width" else {}
        store.finish(run_id, "done", result=told)
    assert names(stored_inputs.fitting("condensed", "digits")) == before


def test_runs_fit_by_images_and_by_what_they_left(runs: dict[str, str]) -> None:
    assert names(stored_inputs.fitting("condensed", "digits")) == ["only a set", "my digits", "same size"]
    assert names(stored_inputs.fitting("model", "digits")) == ["only a network", "my digits", "same size"]
    assert names(stored_inputs.fitting("model", "cifar10")) == ["colour"]
    assert stored_inputs.fitting("model", "never loaded") == []


def test_experts_are_those_of_runs_that_followed_some(runs: dict[str, str]) -> None:
    ways = finished("followed", "digits", [1, 8, 8], 10, files=("condensed.npz", "experts.npz"), method="mat")
    finished("judged", "digits", [1, 8, 8], 10, "evaluate", method="mat")
    assert names(stored_inputs.fitting("experts", "digits")) == ["followed"]
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/lab.py").run()
    app.selectbox(key="lab.method").set_value("mtt").run()
    box = app.selectbox(key="lab.method.experts")
    assert box.options == ["Train experts first", "followed"]
    box.set_value(ways).run()
    assert not app.exception and submitted(app) == {"name": "mtt", "experts": ways}


def test_the_form_shows_titles_and_hands_over_the_id(runs: dict[str, str]) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page("pages/lab.py").run()
    app.selectbox(key="lab.method").set_value("relabelled-det").run()
    box = app.selectbox(key="lab.method.source")
    assert box.value == "" and box.options == ["Train a network first", "only a network", "my digits", "same size"]
    box.set_value(runs["own"]).run()
    assert not app.exception and submitted(app) == {"name": "relabelled-det", "source": runs["own"]}
    app.selectbox(key="lab.method").set_value("kip").run()
    assert submitted(app) == {"name": "kip", "start": ""}
    assert app.selectbox(key="lab.method.start").options[:2] == ["None", "only a set"]


def test_settings_that_are_copied_choose_the_run_again(runs: dict[str, str]) -> None:
    method = {"name": "adv-kip", "options": {"start": runs["set"], "ipc": 3}}
    copied = workplace.store().create("run", RunConfig(method=method).to_json(), name="copied", digest="", lane="here")
    workplace.store().request_cancel(copied)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = copied
    app.run().switch_page("pages/lab.py").run()
    app.button(key="lab.copy").click().run()
    assert not app.exception and submitted(app) == {"name": "adv-kip", "start": runs["set"]}


def submitted(app: AppTest) -> dict[str, str]:
    """Name and input of the method that pressing Run hands over."""
    seen: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "submit", lambda config: seen.append(config) or "none")
        app.button(key="lab.run").click().run()
    assert not app.exception and api.check(seen[0]) == ""
    options = seen[0]["method"]["options"]
    return {"name": seen[0]["method"]["name"]} | {k: options[k] for k in ("source", "start", "experts") if k in options}
