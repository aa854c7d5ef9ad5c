"""The nearest-neighbour classifier from the command line, beside a network in a run, and on the page of that run."""

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from core import api, datasets
from core.certificates.nearest import Centres, prove
from core.cli.main import app
from core.engine import artifacts
from core.errors import ConfigError, RunError
from core.evaluation.sample import choose
from core.events import drive, finish
from core.types import DataConfig

ROOT = Path(__file__).resolve().parents[2]
DATA = ["--data", "digits", "--limit", "40"]
JUDGED = ["--norm", "Linf", "--eps", "0.1", "--eval-images", "150", "--curve-points", "3"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")


def call(*arguments: str) -> dict:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_evaluate_gives_both_ends_of_the_bracket_and_quantiles_of_the_radius(tmp_path: Path):
    call("condense", *DATA, "--method", "random", "--ipc", "3", "--out", str(tmp_path))
    found = call("evaluate", "--support", str(tmp_path / "condensed.npz"), *DATA, "--model", "nearest", *JUDGED)
    condensed = artifacts.load_condensed(tmp_path / "condensed.npz")
    test = drive(datasets.load(DataConfig(name="digits", limit=40), root=tmp_path)).test
    rows = choose(test, 150, 0)
    proven = finish(prove(test.pixels(rows), test.y[rows], Centres.of(condensed.x, condensed.y), "Linf"))
    assert found["clean_acc"] == proven.right.mean() and found["certified_acc"] == (proven.radius > 0.1).mean()
    assert found["certified_acc"] <= found["robust_acc"] <= found["clean_acc"] and found["eval_images"] == 150
    assert found["certified_radius"]["0.5"] == np.quantile(proven.radius, 0.5)
    for name in ("clean", "certified"):
        low, high = found[f"{name}_interval"]
        assert low <= found[f"{name}_acc"] <= high
    assert len(found["curve"]) == len(found["certified_curve"]) == 3 and "certificate" in found["certificate"]
    with pytest.raises(ConfigError, match="belong together"):
        call("evaluate", "--model", "nearest", *DATA)


def test_a_run_judges_both_classifiers_and_its_page_keeps_them_apart(monkeypatch: pytest.MonkeyPatch):
    found = call("run", *DATA, "--method", "random", "--ipc", "2", "--network", "mlp", "--epochs", "1", *JUDGED,
                 "--training", "standard", "--curve-images", "50", "--live-images", "0")  # fmt: skip
    nearest = found["nearest"]
    assert nearest["certified_acc"] <= nearest["robust_acc"] <= nearest["clean_acc"] != found["clean_acc"]
    assert nearest["eps"] == found["eps"] and nearest["eval_images"] == found["eval_images"]
    assert [point["eps"] for point in nearest["curve"]] == [point["eps"] for point in found["curve"]]
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    page.query_params["run"] = found["run"]
    page.switch_page("pages/lab.py").run()
    assert not page.exception
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Proven robust, at least"] == f"{100 * nearest['certified_acc']:.1f} %"
    assert shown["Left by attacks, at most"] == f"{100 * nearest['robust_acc']:.1f} %"
    assert shown["Robust accuracy"] == f"{100 * found['robust_acc']:.1f} %"


def test_a_network_is_certified_by_intervals_and_by_noise_and_a_run_for_intervals_says_what_is_proven():
    small = ["--method", "random", "--ipc", "4", "--network", "mlp", "--epochs", "20", "--live-images", "0"]
    found = call("run", *DATA, *small, *JUDGED, "--training", "ibp", "--lr", "0.01", "--curve-images", "60")
    assert found["certified_acc"] <= found["robust_acc"] and found["certified_curve"][0]["value"] > 0
    assert "interval bounds" in found["certificate"]
    again = call("evaluate", "--run", found["run"], "--model", "network", "--certificate", "ibp", *JUDGED)
    assert again["certified_acc"] <= again["robust_acc"] and again["model"] == "network"
    noisy = ["--norm", "L2", "--eps", "0.1", "--eval-images", "30", "--n", "60", "--n0", "20", "--sigma", "0.2"]
    smooth = call("evaluate", "--run", found["run"], "--certificate", "smoothing", *noisy)
    assert smooth["certified_acc"] <= smooth["clean_acc"] and "σ 0.2, n 60, α 0.001" in smooth["certificate"]
    assert "robust_acc" not in smooth and smooth["model"] == "smoothed network"
    with pytest.raises(ConfigError, match="leave it out"):
        call("evaluate", "--support", "x.npz", "--model", "nearest", "--certificate", "ibp", *DATA)
    with pytest.raises(RunError, match="normalise over pixels"):
        call("run", *DATA, "--method", "random", "--network", "convnet", "--training", "ibp", *JUDGED)


def test_certify_verifies_a_list_of_radii_from_the_pixels_and_says_which_claim(tmp_path: Path):
    call("condense", *DATA, "--method", "random", "--ipc", "3", "--out", str(tmp_path))
    support = str(tmp_path / "condensed.npz")
    call("evaluate", "--support", support, *DATA, "--model", "nearest", *JUDGED, "--out", str(tmp_path / "found"))
    listed = tmp_path / "found" / "radii.npz"
    found = call("certify", support, "--radii", str(listed), *DATA)
    assert found["valid"] and found["radii_claimed"] > 0 and found["claim"].startswith("radii: nearest neighbour keeps")
    arrays = dict(np.load(listed))
    longest = int(arrays["radius"].argmax())
    arrays["radius"][longest] *= 1.5
    np.savez(tmp_path / "false.npz", **arrays)
    result = CliRunner().invoke(app, ["certify", support, "--radii", str(tmp_path / "false.npz"), *DATA, "--json"])
    told = json.loads(result.stdout)
    assert result.exit_code == 1 and not told["valid"] and told["radii_wrong"] == 1
    assert f"test image {arrays['rows'][longest]}:" in told["violations"][0]
