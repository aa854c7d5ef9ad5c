"""run.py: installs once, says what is wrong, and needs the standard library only."""

import ast
import os
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
    names = set()
    for file in ("run.py", "browser.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    assert "subprocess" in names
    assert names <= sys.stdlib_module_names | {"browser"}


@pytest.fixture
def requirements(script, tmp_path: Path) -> Path:
    """A .venv that is there, and what is to be installed into it."""
    script.VENV.mkdir()
    script.PYTHON.touch()
    path = tmp_path / "requirements.txt"
    path.write_text("numpy==2.4.6\n")
    return path


def answer(script, monkeypatch: pytest.MonkeyPatch, *refused: str) -> list[list[str]]:
    """Every command is noted; those that hold one of these words fail."""
    calls: list[list[str]] = []

    def call(command: list[str], **_: object) -> int:
        calls.append(command)
        return int(any(word in command for word in refused))

    monkeypatch.setattr(script.subprocess, "call", call)
    monkeypatch.setattr(script, "told_to_pip", dict)
    return calls


def test_second_start_does_not_install(script, requirements: Path, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch)
    assert script.install(requirements)
    once = len(calls)
    assert script.install(requirements)
    assert len(calls) == once > 0
    requirements.write_text("numpy==2.4.7\n")
    assert script.install(requirements)
    assert len(calls) == 2 * once


def test_uv_is_fetched_where_there_is_none(script, requirements: Path, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch)
    assert script.install(requirements)
    assert [command[2] for command in calls] == ["pip", "uv"]
    assert [command[-1] for command in calls] == [str(script.UV), str(requirements)]


def test_a_uv_that_is_here_is_used(script, requirements: Path, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch)
    monkeypatch.setattr(script.shutil, "which", lambda name: "/here/uv" if name == "uv" else None)
    assert script.install(requirements)
    assert [command[0] for command in calls] == ["/here/uv"]


@pytest.mark.parametrize("refused", ["requirements-uv.txt", "uv"])
def test_pip_installs_where_uv_does_not(script, requirements: Path, monkeypatch: pytest.MonkeyPatch, refused: str):
    word = str(script.UV) if refused.endswith(".txt") else refused
    calls = answer(script, monkeypatch, word)
    assert script.install(requirements)
    assert calls[-1][1:3] == ["-m", "pip"]
    assert calls[-1][-1] == str(requirements)
    assert (script.VENV / ".requirements").exists()


def test_failed_install_leaves_no_stamp(script, requirements: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    answer(script, monkeypatch, str(requirements))
    assert not script.install(requirements)
    assert not (script.VENV / ".requirements").exists()
    assert "Delete" in capsys.readouterr().out


def test_uv_is_told_what_pip_is_told(script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://index.invalid/simple\ntimeout = 15\n"
        "find-links = /wheels\n    /more\n[install]\nextra-index-url = https://extra.invalid/a https://extra.invalid/b\n"
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_INDEX_URL", "https://nearer.invalid/simple")
    monkeypatch.setattr(script, "PYTHON", sys.executable)
    told = script.told_to_pip()
    assert told["UV_DEFAULT_INDEX"] == "https://nearer.invalid/simple"
    assert told["UV_INDEX"] == "https://extra.invalid/a https://extra.invalid/b"
    assert told["UV_FIND_LINKS"] == "/wheels,/more"
    assert told["UV_HTTP_TIMEOUT"] == "15"


@pytest.mark.parametrize(("verb", "asked"), [("test", True), ("start", False), ("check", False), ("cli", False)])
def test_only_tests_ask_for_a_browser(script, monkeypatch: pytest.MonkeyPatch, verb: str, asked: bool):
    order = []
    monkeypatch.setattr(script, "install", lambda requirements: order.append("install") or True)
    monkeypatch.setattr(script.browser, "provide", lambda python: order.append("browser"))
    monkeypatch.setattr(script.subprocess, "call", lambda command, **_: order.append("call") or 0)
    assert script.main([verb]) == 0
    assert order[: 3 if asked else 2] == (["install", "browser", "call"] if asked else ["install", "call"])


def test_check_runs_all_three_and_fails_with_one(script, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch, "format")
    monkeypatch.setattr(script, "install", lambda requirements: requirements.name == "requirements-dev.txt")
    assert script.main(["check"]) == 1
    assert [" ".join(command[2:4]) for command in calls] == ["ruff check", "ruff format", "mypy"]


def test_a_shared_server_is_reached_from_the_network_and_shows_no_traceback(script, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch)
    monkeypatch.setattr(script, "install", lambda requirements: True)
    monkeypatch.setenv("BALLAST_ACCESS", "")
    assert script.main(["start", "--share", "--server.port=8600"]) == 0
    assert os.environ["BALLAST_ACCESS"] == "token" and "--share" not in calls[0]
    words = " ".join(calls[0])
    assert "serve.py --server.port=8600" in words and "--server.address 0.0.0.0" in words
    assert "--client.showErrorDetails none" in words
    assert script.main(["start", "--share", "--server.address", "10.0.0.1"]) == 0
    assert "0.0.0.0" not in " ".join(calls[1])


def test_a_plain_start_shares_nothing(script, monkeypatch: pytest.MonkeyPatch):
    calls = answer(script, monkeypatch)
    monkeypatch.setattr(script, "install", lambda requirements: True)
    monkeypatch.delenv("BALLAST_ACCESS", raising=False)
    assert script.main([]) == script.main(["start", "--server.port", "8600"]) == 0
    assert "BALLAST_ACCESS" not in os.environ and not any("0.0.0.0" in word for call in calls for word in call)


def test_an_audit_that_nobody_answers_says_so(script, monkeypatch: pytest.MonkeyPatch, capsys):
    calls = answer(script, monkeypatch, "pip-audit")
    monkeypatch.setattr(script, "install", lambda requirements: True)
    monkeypatch.setattr(script, "answers", lambda address: False)
    assert script.main(["audit"]) == 10 and calls == []
    assert "No registry answers" in capsys.readouterr().out
    monkeypatch.setattr(script, "answers", lambda address: True)
    assert script.main(["audit"]) == 1 and "pip-audit" in calls[0]


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
