"""The command line does the work of the pages, speaks JSON, and refuses in one sentence."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.cli import main as cli
from core.cli import tables
from core.cli.main import app
from core.errors import BallastError

QUICK = ["--network", "mlp", "--epochs", "2", "--eval-images", "60", "--curve-images", "20", "--live-images", "20"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    return tmp_path


def call(*arguments: str) -> str:
    """What a command prints on its standard output; the project's errors come out as they are."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)
    if isinstance(result.exception, BallastError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(*arguments: str) -> str:
    with pytest.raises(BallastError) as caught:
        call(*arguments)
    return str(caught.value)


def test_condense_by_budget_and_by_radius(home: Path):
    out = home / "cover"
    found = json.loads(call("condense", "--data", "digits", "--limit", "40", "--method", "mfc", "--norm", "L2",
                            "--ipc", "3", "--seed", "0", "--out", out, "--json"))  # fmt: skip
    assert {"method", "budget", "ipc", "radius", "norm", "seed", "device", "seconds", "peak_rss_mb", "data_hash",
            "out"} <= set(found)  # fmt: skip
    assert (found["method"], found["budget"], found["ipc"], found["norm"]) == ("mfc", 30, 3, "L2")
    with np.load(out / "condensed.npz", allow_pickle=False) as file:
        assert file["x"].shape == (30, 1, 8, 8)
        assert file["x"].dtype == np.float32
        assert file["y"].dtype == np.int64
        assert file["assignment"].shape == (400,)
        assert file["weights"].sum() == 400
        assert float(file["ball_radius"].max()) == pytest.approx(found["radius"])
        assert len(file["indices"]) == 30
    wide = json.loads(call("condense", "--data", "digits", "--limit", "40", "--method", "mfc", "--norm", "L2",
                           "--radius", str(found["radius"]), "--out", home / "wide", "--json"))  # fmt: skip
    assert wide["budget"] <= 30
    assert wide["radius"] <= found["radius"]


def test_stages_one_by_one_equal_what_a_run_keeps(home: Path):
    call("condense", "--data", "digits", "--method", "random", "--ipc", "2", "--seed", "5", "--out", home / "s")
    call("train", "--support", home / "s" / "condensed.npz", "--data", "digits", "--network", "mlp", "--training",
         "standard", "--epochs", "2", "--seed", "5", "--out", home / "m")  # fmt: skip
    alone = json.loads(call("evaluate", "--model", home / "m" / "last.safetensors", "--data", "digits", "--eps", "0.1",
                            "--eval-images", "60", "--curve-images", "20", "--seed", "5", "--json"))  # fmt: skip
    whole = json.loads(call("run", "--data", "digits", "--method", "random", "--ipc", "2", "--training", "standard",
                            "--eps", "0.1", "--seed", "5", *QUICK, "--json"))  # fmt: skip
    assert {"clean_acc", "robust_acc", "attack", "eps", "eval_images", "interval"} <= set(whole)
    for name in ("clean_acc", "robust_acc", "interval", "attack", "eps", "eval_images", "data_hash"):
        assert alone[name] == whole[name], name
    again = json.loads(call("evaluate", "--run", whole["run"], "--eps", "0.1", "--eval-images", "60",
                            "--curve-images", "20", "--json"))  # fmt: skip
    assert again["robust_acc"] == whole["robust_acc"]
    assert [run["id"] for run in json.loads(call("runs", "--json"))] == [whole["run"]]


def test_runs_are_shown_renamed_exported_and_deleted(home: Path):
    found = json.loads(
        call("run", "--data", "blobs", "--method", "random", "--ipc", "2", "--eps", "0.05", *QUICK, "--json")
    )
    run = found["run"]
    call("runs", "rename", run, "three clouds")
    assert "three clouds" in call("runs")
    assert call("runs", "--text", "nothing like it").strip() == "no runs yet"
    assert json.loads(call("runs", "show", run, "--json"))["result"]["robust_acc"] == found["robust_acc"]
    call("runs", "export", run, "--out", home / "all.zip")
    with zipfile.ZipFile(io.BytesIO((home / "all.zip").read_bytes())) as archive:
        assert {"record.json", "metrics.csv", "condensed.npz", "last.safetensors"} <= set(archive.namelist())
    call("runs", "delete", run)
    assert "there is no run" in refused("runs", "show", run)


def test_a_finished_run_is_the_source_of_another_method_and_its_set_the_start_of_kip(home: Path):
    first = json.loads(call("run", "--data", "digits", "--limit", "30", "--method", "random", "--ipc", "9",
                            "--training", "standard", "--eps", "0.1", *QUICK, "--json"))  # fmt: skip
    again = ["condense", "--data", "digits", "--limit", "30", "--json"]
    found = json.loads(call(*again, "--method", "relabelled-det", "--source", first["run"], "--ipc", "2",
                            "--steps", "20", "--out", home / "det"))  # fmt: skip
    assert (found["source"], found["source_network"], found["budget"]) == (first["run"], "mlp", 20)
    begun = json.loads(call(*again, "--method", "kip", "--start", home / "det" / "condensed.npz", "--steps", "0",
                            "--held-out", "0"))  # fmt: skip
    assert (begun["start_method"], begun["budget"]) == ("relabelled-det", 20)
    assert "there is no 'nothing'" in refused(*again, "--method", "relabelled-rand", "--source", "nothing")


def test_describe_counts_the_images(home: Path):
    found = json.loads(call("describe", "--data", "digits", "--limit", "30", "--json"))
    assert (found["train_counts"], found["shape"], found["levels"]) == ([30] * 10, [1, 8, 8], 16)
    assert len(found["data_hash"]) == 16


def test_certify_believes_the_pixels_only(home: Path):
    call("condense", "--data", "digits", "--limit", "20", "--method", "mfc", "--norm", "Linf", "--ipc", "2",
         "--out", home / "c")  # fmt: skip
    path, settings = home / "c" / "condensed.npz", ["--data", "digits", "--limit", "20", "--json"]
    found = json.loads(call("certify", path, *settings))
    assert (found["valid"], found["violations"], found["images"], found["exact"]) == (True, [], 200, True)
    assert json.loads((home / "c" / "certificate.json").read_text())["radius"] == found["radius"]
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    arrays["ball_radius"] = arrays["ball_radius"] * 0.9
    np.savez(path, **arrays)
    result = CliRunner().invoke(app, ["certify", str(path), *settings])
    assert result.exit_code == 1
    assert any("ball radius understated" in sentence for sentence in json.loads(result.stdout)["violations"])
    assert "digits" in refused("certify", path, "--data", "nowhere")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "--methd", "mfc"], "--methd is not an option of what is chosen here: did you mean --method"),
        (["run", "--method", "mcf"], "there is no method called 'mcf'; there are: mfc"),
        (["run", "--epochs", "many"], "--epochs must be a whole number, got 'many'"),
        (["run", "--eps", "-1"], "eps: "),
        (["condense", "--method", "mfc", "--ipc", "3", "--radius", "2"], "exactly one of ipc and radius"),
        (["condense", "--data", "nowhere.npz"], "there is no data set 'nowhere.npz'"),
        (["run", "--data", "moons", "--network", "convnet"], "convnet needs images of at least 4×4"),
        (["evaluate", "--data", "digits"], "exactly one of --model FILE and --run ID"),
        (["runs", "show", "x"], "there is no run x"),
    ],
)
def test_refusals_are_sentences(arguments: list[str], sentence: str):
    assert sentence in refused(*arguments)


def test_exit_code_and_no_traceback(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["core", "runs", "show", "x"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err.strip() == "there is no run x: it may have been deleted; the page Runs lists all"


@pytest.mark.parametrize("table", tables.REGISTRIES)
def test_registries_are_listed(table: str):
    listed = json.loads(call(table, "--json"))
    assert [row["name"] for row in listed] == list(tables.REGISTRIES[table])
    for name in tables.REGISTRIES[table]:
        assert name in call(table)
