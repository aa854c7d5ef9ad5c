"""The command line does the work of the pages, speaks JSON, and refuses in one sentence."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core import api
from core.cli import main as cli
from core.cli import runs, tables
from core.cli.main import app
from core.errors import BallastError

ROOT = Path(__file__).resolve().parents[2]
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
    assert "is in the trash: restore it" in refused("runs", "show", run)
    call("runs", "restore", run)
    assert json.loads(call("runs", "show", run, "--json"))["id"] == run
    assert "is not in the trash" in refused("runs", "restore", run)
    call("runs", "delete", run, "--now")
    assert "there is no run" in refused("runs", "show", run)


def test_a_stopped_run_is_gone_on_with_and_a_list_must_have_a_length(home: Path, monkeypatch: pytest.MonkeyPatch):
    from core.cli import show

    def interrupt(self, event):
        if event.stage == "train":
            raise KeyboardInterrupt

    line = ["run", "--data", "moons", "--limit", "20", "--method", "random", "--ipc", "2", "--network", "mlp",
            "--training", "standard", "--epochs", "3", "--eval-images", "20", "--attack-steps", "2"]  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(show.Ticker, "__call__", interrupt)
        assert "cancelled" in refused(*line)
    (stopped,) = json.loads(call("runs", "--json"))
    assert stopped["status"] == "cancelled" and stopped["resumable"]
    found = json.loads(call("runs", "resume", stopped["id"], "--json"))
    assert found["run"] == stopped["id"] and 0 <= found["clean_acc"] <= 1
    assert "cannot be resumed: it is done" in refused("runs", "resume", stopped["id"])
    assert "at least 1, got -5" in refused("runs", "--limit", "-5")


def test_the_help_of_runs_promises_the_commands_there_are():
    words = call("runs", "--help").split("Usage")[1]
    promised = "List, show, cancel, resume, rename, export, delete and restore runs."
    assert promised in " ".join(words.split())
    commands = {command.name or command.callback.__name__ for command in runs.app.registered_commands}
    assert commands == {"show", "cancel", "resume", "rename", "export", "delete", "restore"}


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


def test_certify_refuses_bounds_that_are_contradicted_or_beaten(home: Path):
    call("condense", "--data", "digits", "--limit", "20", "--method", "k-center", "--ipc", "2", "--out", home / "c")
    path, settings = home / "c" / "condensed.npz", ["--data", "digits", "--limit", "20", "--json"]
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    honest = json.loads(str(arrays["meta"]))
    radii = honest["info"]["radius_per_class"]
    met = {"lower_bound_per_class": radii, "lower_bound_radius": max(radii), "proven": True}
    for told, words in (
        ({**met, "lower_bound_per_class": [*radii[:9], radii[9] * 1.01]}, "class 9 has the lower bound"),
        ({**met, "lower_bound_per_class": [*radii[:9], radii[9] / 2]}, "called proven"),
        (met, "there is a cover by 2 centres"),
    ):
        meta = {**honest, "info": {**honest["info"], **told}}
        np.savez(path, **{**arrays, "meta": np.array(json.dumps(meta))})
        result = CliRunner().invoke(app, ["certify", str(path), *settings])
        assert result.exit_code == 1
        assert any(words in sentence for sentence in json.loads(result.stdout)["violations"]), result.stdout


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
    monkeypatch.setattr(cli.signals, "listen", lambda: None)  # the signals of this process are pytest's
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


@pytest.mark.parametrize(
    ("command", "tables"),
    [
        ("run", (api.METHODS, api.NETWORKS, api.TRAINERS)),
        ("condense", (api.METHODS,)),
        ("train", (api.NETWORKS, api.TRAINERS)),
        ("evaluate", ()),
    ],
)
def test_the_help_of_a_command_names_every_setting_with_its_default(command: str, tables: tuple):
    said = call(command, "--help")
    configs = [row.Config for table in tables for row in table.values()]
    configs += [api.EvaluationConfig] if command in ("run", "evaluate") else []
    for config in configs:
        for info in config.describe():
            lines = [line for line in said.splitlines() if line.split()[:1] == [f"--{info.name.replace('_', '-')}"]]
            assert any(info.help in line for line in lines), (config, info.name)
    for table in tables:
        assert all(f"{name}: {row.title}" in said for name, row in table.items())


def test_an_output_that_cannot_be_written_is_refused_before_any_work(home: Path, monkeypatch: pytest.MonkeyPatch):
    (home / "file").write_text("mine")
    monkeypatch.setattr(api.work.inline.InlineExecutor, "submit", lambda self, run: pytest.fail("work was begun"))
    line = ["run", "--data", "moons", "--method", "random", "--ipc", "2", "--network", "mlp"]
    for out in (home / "file", home / "file" / "below"):
        assert "should be a folder and is none" in refused(*line, "--out", out)
    assert "is a folder: name a file in it" in refused("runs", "export", "any", "--out", home)
    assert "should be a folder" in refused("runs", "export", "any", "--out", home / "file" / "a.zip")
    assert "should be a folder" in refused("doctor", "--backup", home / "file" / "a.zip")
    assert (home / "file").read_text() == "mine" and json.loads(call("runs", "--json")) == []


@pytest.mark.skipif(os.name == "nt", reason="an interrupt is another thing there")
def test_an_interrupt_while_the_program_is_loaded_is_an_exit_code_and_no_traceback():
    code = "import os, signal, sys, runpy; sys.argv = ['core', 'methods']; "
    code += "sys.addaudithook(lambda name, args: name == 'import' and args[0] == 'core.api' and hit()); "
    code += "hit = lambda done=[]: done or (done.append(1), os.kill(os.getpid(), signal.SIGINT)); "
    code += "runpy.run_module('core', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
