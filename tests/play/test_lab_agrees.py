"""What Play hands to the Lab: the same points, radius and separation, and accuracies that agree within chance."""

from typing import Any

import numpy as np
import pytest

from core import api
from core.errors import DataError
from core.ui.play import lab
from tests.play.conftest import Ask

pytestmark = pytest.mark.browser

PLAY = {"data": "blobs", "method": "cover", "k": 4, "model": "network", "depth": 3, "width": 256,
        "training": "standard", "norm": "L2", "eps": 0.05, "seed": 2, "steps": 0}  # fmt: skip
IN_PLAY = """{ const points = (p) => ({ xy: Float64Array.from(p.xy, Math.fround), labels: Uint8Array.from(p.y) });
  const train = points(toy.train), test = points(toy.test), n = train.labels.length;
  const mean = [0, 1].map((d) => train.labels.reduce((sum, _, i) => sum + train.xy[2 * i + d] / n, 0));
  const method = condense(play, train, toy.classes, mean);
  while (!method.done) method.advance(0);
  const training = new Training(play.width, toy.classes, mean, play.seed, method.support);
  while (training.left) training.advance(method.support, play.training, play, 0);
  const result = attackAll(training.network, test.xy, test.labels, play);
  return { radius: Math.max(...ballRadii(method.support, train, play.norm)), separation: separationOf(train, play.norm),
    clean: result.clean / result.n, robust: result.robust / result.n, n: result.n }; }"""


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")


def asked(**changes: Any) -> dict[str, Any]:
    toy = api.plane.toys()[PLAY["data"]]
    return {**PLAY, **changes, "train": toy["train"], "test": toy["test"]}


def test_a_run_finds_what_play_showed(js: Ask):
    record = api.here("run", lab.settings(asked()))
    assert record.status == "done", record.error
    found, shown = record.result, js(IN_PLAY, play=PLAY, toy=api.plane.toys()["blobs"])
    assert found["radius"] == pytest.approx(shown["radius"], abs=1e-9)
    assert found["separation"] == pytest.approx(shown["separation"], abs=1e-9)
    assert found["eps"] == PLAY["eps"] and found["norm"] == PLAY["norm"]
    for name in ("clean", "robust"):  # two networks from two starts: within two standard errors of their difference
        share = (found[f"{name}_acc"] + shown[name]) / 2
        assert abs(found[f"{name}_acc"] - shown[name]) <= 2 * np.sqrt(2 * share * (1 - share) / shown["n"]) + 0.01


@pytest.mark.parametrize("method", ["random", "cover", "k-means", "kip", "adv-kip"])
@pytest.mark.parametrize("training", ["standard", "adversarial"])
@pytest.mark.parametrize("model", ["kernel", "network", "nearest"])
def test_every_state_of_play_is_a_valid_run(method: str, training: str, model: str):
    config = lab.settings(asked(method=method, training=training, model=model, steps=400))
    assert api.check(config) == ""
    assert config["evaluation"]["eps"] == PLAY["eps"] and config["evaluation"]["norm"] == PLAY["norm"]


def test_equal_points_are_one_file_that_loads_to_the_same_points():
    first, second = lab.settings(asked()), lab.settings(asked(method="random"))
    assert first["data"] == second["data"]
    with np.load(first["data"]["name"]) as stored:
        np.testing.assert_array_equal(stored["x_train"].ravel(), np.float32(asked()["train"]["xy"]))
        assert stored["y_test"].tolist() == asked()["test"]["y"]


def test_points_that_are_none_are_refused_in_a_sentence():
    with pytest.raises(DataError, match="train points must be two numbers and a class each, got 0"):
        api.plane.keep_points("own", {"xy": [], "y": []}, {"xy": [], "y": []})
