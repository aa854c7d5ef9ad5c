"""run.py: installs once, says what is wrong, and needs the standard library only."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.syspath_prepend(str(ROOT))
    import run

    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(run, "PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    return run


def test_standard_library_only():
    names = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse((ROOT / "run.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert names
    assert names <= sys.stdlib_module_names


def test_second_start_does_not_install(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(script.subprocess, "call", lambda command, **_: calls.append(command) or 0)
    monkeypatch.setattr(script, "make_venv", lambda: script.VENV.mkdir() or script.PYTHON.touch() or True)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy==2.4.6\n")
    assert script.install(requirements)
    assert len(calls) == 1
    assert script.install(requirements)
    assert len(calls) == 1
    requirements.write_text("numpy==2.4.7\n")
    assert script.install(requirements)
    assert len(calls) == 2


def test_failed_install_leaves_no_stamp(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(script.subprocess, "call", lambda command, **_: 1)
    script.VENV.mkdir()
    script.PYTHON.touch()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy==2.4.6\n")
    assert not script.install(requirements)
    assert not (script.VENV / ".requirements").exists()
    assert "Delete" in capsys.readouterr().out


def test_missing_ensurepip_says_what_to_install(script, monkeypatch: pytest.MonkeyPatch, capsys):
    def fail(*args, **options):
        raise script.subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(script.venv, "create", fail)
    assert not script.make_venv()
    assert "python3-venv" in capsys.readouterr().out
    assert not script.VENV.exists()


def test_requirements_are_pinned_with_hashes_and_follow_pyproject():
    import tomllib

    pinned = {
        line.split("==")[0]: line.split("==")[1].split()[0].rstrip("\\ ")
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        assert name in pinned, f"{name} is in pyproject.toml but not in requirements.txt: compile it anew"
        assert pinned[name].startswith(version.rstrip("*").rstrip(".")), (name, pinned[name], version)
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert text.count("--hash=") > len(pinned)
