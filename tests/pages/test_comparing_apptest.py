"""Runs beside each other, without a browser: their intervals, the settings that differ and no other, their curves."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.api import workplace

RUNS = ("example-digits-mfc", "example-digits-random", "example-digits-adv-kip")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    yield tmp_path
    workplace.close()


def page(ids: str) -> None:
    from core import api  # the script of a page of its own
    from core.ui.runs import comparing

    comparing.compare([api.get(run_id) for run_id in ids.split()])


def shown(*ids: str) -> AppTest:
    app = AppTest.from_function(page, kwargs={"ids": " ".join(ids)}, default_timeout=60).run()
    assert not app.exception and not app.error
    return app


def test_what_differs_is_listed_with_intervals_and_curves_over_each_other(home) -> None:
    app = shown(*RUNS)
    numbers, settings = (frame.value for frame in app.dataframe)
    found = [api.results.RunResult.of(api.get(run_id)) for run_id in RUNS]
    assert list(numbers["Robust %"]) == [round(100 * one.robust_acc, 1) for one in found]
    assert all(
        f"{100 * one.interval[0]:.1f} to" in text for one, text in zip(found, numbers["Robust, 95 %"], strict=True)
    )
    rows = dict(zip(settings["Setting"], settings.iloc[:, 1:].to_numpy().tolist(), strict=True))
    assert rows["method"] == ["mfc", "random", "adv-kip"] and rows["training"] == [
        "adversarial",
        "adversarial",
        "standard",
    ]
    assert rows["training.eps"] == ["0.1", "0.1", "–"] and not {"seed", "evaluation.eps", "data"} & set(rows)
    charts = app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    spec = json.loads(charts[0].proto.spec)
    scale = spec["layer"][1]["encoding"]["color"]["scale"]
    assert len(scale["domain"]) == len(set(scale["range"])) == 3


def test_two_runs_that_differ_in_a_seed_say_so_and_nothing_else(home) -> None:
    study = [run for run in api.examples.runs() if run.id.startswith("example-transfer")]
    first = study[0]
    other = next(run for run in study if run.config == first.config | {"seed": 1})
    app = shown(first.id, other.id)
    assert app.dataframe[1].value.to_numpy().tolist() == [["seed", "0", "1"]]
    assert "The one setting that differs" in " ".join(block.value for block in app.markdown)


def test_two_runs_of_one_seed_are_compared_image_by_image_among_examples_too(home) -> None:
    study = [run for run in api.examples.runs() if run.id.startswith("example-transfer") and run.config["seed"] == 0]
    app = shown(study[0].id, study[1].id)
    assert "McNemar, exact" in " ".join(block.value for block in app.caption)
