"""The documents say what is: paths and links lead to files, every package is named, and commands and lines run."""

import ast
import io
import json
import re
import shlex
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from core import api
from core.api import queue, workplace
from core.cli import study
from core.cli.main import app
from core.engine.inline import InlineExecutor
from core.jobs.kinds import KINDS
from core.settings.run import RunConfig

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXTS = {path: path.read_text(encoding="utf-8") for path in DOCS}
PATH = re.compile(r"`((?:core|pages|tests|docs|benchmarks|assets)/[a-z_0-9/.]*[a-z_0-9]|[a-z_]+\.py|[A-Z]+\.md)`")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_paths_and_links_lead_to_files(path: Path):
    text = TEXTS[path]
    inside = [name for name in PATH.findall(text) if name != "options.py"]  # of whatever family
    assert [name for name in inside if not (ROOT / name).exists()] == []
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_function_that_is_said_to_be_in_a_file_is_there(path: Path):
    said = re.findall(r"`(\w+)` (?:in|of) `([\w/]+\.py)`", " ".join(TEXTS[path].split()))
    assert [(name, file) for name, file in said if name not in defined(ROOT / file)] == []


def defined(path: Path) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)}


def test_the_newest_entry_of_the_changelog_is_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"^## (\S+)$", TEXTS[ROOT / "CHANGELOG.md"], re.M)
    assert versions[0] == project["version"] and len(versions) == len(set(versions))


def test_the_architecture_names_every_package_and_no_other():
    text = TEXTS[ROOT / "ARCHITECTURE.md"]
    packages = {path.parent.name for path in ROOT.glob("core/*/__init__.py")}
    ranks = "\n".join(line for line in text.splitlines() if re.match(r"\| \d \|", line))
    assert packages - {"core"} == set(re.findall(r"`core/([a-z_]+)`", ranks))
    followed = text.split("## One run")[1].split("## One identity")[0]
    assert len(PATH.findall(followed)) >= 18  # from the click to the picture


def test_the_ranks_are_those_that_are_enforced():
    from tests.test_layers import RANKS  # the one place that enforces them

    text = TEXTS[ROOT / "ARCHITECTURE.md"]
    for line in text.splitlines():
        if found := re.match(r"\| (\d) \| (.*?) \|", line):
            for name in re.findall(r"`([a-z_/]+)(?:\.py)?`", found[2]):
                if name != "core/__main__":
                    assert RANKS[name.replace("/", ".")] == int(found[1]), name


def test_every_command_of_the_command_line_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    text = TEXTS[ROOT / "docs" / "command-line.md"]
    assert len(commands(text)) >= 7
    for line in commands(text):
        run(line)


def commands(text: str) -> list[str]:
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]


def run(line: str) -> str:
    assert line.startswith("python -m core ")
    result = CliRunner().invoke(app, shlex.split(line)[3:])
    assert result.exit_code == 0, (line, result.output, result.exception)
    return result.stdout


def test_own_data_are_written_described_condensed_and_certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    text = TEXTS[ROOT / "docs" / "data.md"]
    exec(compile(re.search(r"```python\n(.*?)```", text, re.S)[1], "docs/data.md", "exec"), {})
    described, condensed, certified, judged = (json.loads(run(line)) for line in commands(text))
    assert (described["train_images"], described["test_images"]) == (96, 24)  # a fifth is set apart
    assert condensed["budget"] == 6 and certified["valid"]
    assert 0 < judged["certified_acc"] <= judged["robust_acc"] <= judged["clean_acc"] and judged["eval_images"] == 24


def test_a_published_set_is_imported_and_run_as_the_document_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("core.jobs.mapping.finish", lambda dataset, job: iter(()))  # a map takes a minute
    x = np.random.default_rng(0).random((20, 1, 8, 8), np.float32)
    torch.save({"data": [[torch.tensor(x), torch.arange(20) % 10]]}, tmp_path / "published.pt")
    layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    torch.save(layers.state_dict(), tmp_path / "weights.pt")
    own = "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    (tmp_path / "mine.py").write_text(own)
    lines = commands(TEXTS[ROOT / "docs" / "elsewhere.md"])
    taken, judged, network, code = (json.loads(run(line)) for line in lines)
    assert network["network"] == "mlp" and code["network"] == "mine.py:net" and code["eval_images"] == 20
    assert taken["budget"] == judged["budget"] == 20 and judged["method"] == "imported"
    assert judged["eval_images"] == 20 and judged["set_file"] == "published.pt"


def test_commands_of_studies_are_read_and_their_plans_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """They would take hours: what is left out is the estimate and the work."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    worked: list[tuple[str, int | None]] = []
    monkeypatch.setattr(study, "_cost", lambda name: {})
    monkeypatch.setattr(study, "_work", lambda name, workers: worked.append((name, workers)))
    for line in commands(TEXTS[ROOT / "docs" / "studies.md"]):
        run(line)
    assert worked == [("small", 2), ("long", None), ("small", None)]  # --plan does nothing
    assert api.study.study("small").networks == 5 and api.study.study("long").set == ("adv-kip.steps=700",)
    told = set(re.findall(r"`(--[a-z-]+)", TEXTS[ROOT / "docs" / "studies.md"]))
    known = {f"--{info.name.replace('_', '-')}" for info in api.study.StudyOptions.describe()}
    assert told <= known | {"--plan", "--workers", "--executor", "--cpus", "--gpus"}


def test_what_a_paper_needs_is_written_as_the_document_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study, "_cost", lambda name: {})
    monkeypatch.setattr(workplace, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    monkeypatch.setattr(api.study, "executor", workplace.executor)
    text = TEXTS[ROOT / "docs" / "papers.md"]
    made, *rest = commands(text)
    run_id = json.loads(run(made))["run"]
    said = [run(line.replace("RUN", run_id)) for line in rest]
    assert r"\toprule" in said[0] and "random" in said[0] and "@" in (tmp_path / "references.bib").read_text()
    assert "<h2>Method</h2>" in (tmp_path / "report.html").read_text() and 'src="http' not in said[2]
    assert "| k-center | 4 | standard | 2 |" in said[4] and "by Random selection and k-center greedy" in said[5]
    assert "study transfer" in (tmp_path / "study.html").read_text() and len(json.loads(said[7])) > 10
    again = json.loads(said[9])
    assert [one["verdict"] for one in again["numbers"]] == ["equal", "equal"] and again["run"] != run_id
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(api.paper.FORMS)


def test_a_queued_run_is_waited_for_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Done in this process, as workers take their time to start; that they do it is tested with the api."""
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(queue, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[ROOT / "docs" / "python.md"], re.S)
    scope: dict = {}
    for block in blocks[2:]:
        exec(compile(block, "docs/python.md", "exec"), scope)
    judged, shape = capsys.readouterr().out.splitlines()
    assert "of 50 images" in judged and "PGD-5" in judged
    assert shape == "(4, 1, 1, 2) True True [2 2]"
    assert list(scope["table"]["method"]) == ["k-center"] and scope["table"]["eval_images"].item() == 50
    with zipfile.ZipFile(io.BytesIO(api.export(scope["run"]))) as left:
        rows = re.findall(r"^\| (`.*?`) \|", TEXTS[ROOT / "docs" / "saving.md"], re.M)
        told = {name for row in rows for name in re.findall(r"`(.*?)`", row)}
        assert told - set(left.namelist()) == {"condensed.png"}  # points have no picture


def test_a_notebook_submits_and_reads_as_the_document_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[ROOT / "docs" / "python.md"], re.S)
    scope: dict = {}
    exec(compile(blocks[1], "docs/python.md", "exec"), scope)
    said = capsys.readouterr().out
    assert scope["record"].status == "done" and "PGD-3" in said
    assert RunConfig(**scope["record"].config).data.name == "moons"
