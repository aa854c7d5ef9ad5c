"""The README's two commands, from a clone without `.venv`: all real but what is installed.

What is installed is one wheel that lends the packages of the Python that runs these tests.
"""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import browser

ROOT = Path(__file__).resolve().parents[1]
CLONED = ("run.py", "serve.py", "browser.py", "app.py", "pyproject.toml", "pages", "core", "assets", ".streamlit")
TESTS = '''"""One test of each kind."""

import pytest


def test_plain():
    assert True


@pytest.mark.browser
def test_driving():
    assert False, "there is no browser to drive"
'''


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git keeps, without `.venv`, with two tests, and requirements that need no network."""
    root = tmp_path_factory.mktemp("clone")
    for name in CLONED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    (root / "tests").mkdir()
    shutil.copy(ROOT / "tests/conftest.py", root / "tests/conftest.py")
    (root / "tests/test_two.py").write_text(TESTS)
    (root / "requirements-uv.txt").write_text("--no-index\nuv==0\n")
    wheel = lending_wheel(root)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text(f"--no-index\n{wheel.as_uri()}\n")
    return root


def lending_wheel(folder: Path) -> Path:
    """A wheel that puts the packages of this Python within another's reach."""
    path = folder / "lent-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("lent.pth", f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        wheel.writestr("lent-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: lent\nVersion: 1\n")
        tag = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr("lent-1.dist-info/WHEEL", tag)
        record = "lent.pth,,\nlent-1.dist-info/METADATA,,\nlent-1.dist-info/WHEEL,,\nlent-1.dist-info/RECORD,,\n"
        wheel.writestr("lent-1.dist-info/RECORD", record)
    return path


def run_tests(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python run.py test ...` in the clone, on a machine without a browser."""
    environment = {**os.environ, browser.VARIABLE: "none"}
    command = [sys.executable, "run.py", "test", *arguments]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=400)


def test_test_command_without_a_browser_runs_the_rest_and_says_so(clone: Path):
    done = run_tests(clone)
    assert (clone / ".venv").is_dir(), done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert done.returncode == browser.UNRUN == 10
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("1 test did not run (test_two.py): no browser is here: install")
    again = run_tests(clone, "-k", "plain")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Installing" not in again.stdout


def test_a_failure_is_not_hidden_by_what_did_not_run(clone: Path):
    (clone / "tests/test_wrong.py").write_text('"""Fails."""\n\n\ndef test_wrong():\n    assert 1 == 2\n')
    try:
        done = run_tests(clone)
    finally:
        (clone / "tests/test_wrong.py").unlink()
    assert done.returncode == 1, done.stdout + done.stderr


@pytest.fixture
def started(clone: Path, tmp_path: Path) -> Iterator[tuple[psutil.Process, int]]:
    """`python run.py` in the clone: its process, and the port it was told."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_HEADLESS": "true", "BALLAST_HOME": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        process = psutil.Popen(
            [sys.executable, "run.py"], cwd=clone, env={**os.environ, **told}, stdout=log, stderr=subprocess.STDOUT
        )
    yield process, port
    for one in [*process.children(recursive=True), process]:
        one.kill()
    process.wait()


def test_start_command_serves_this_machine_only(started: tuple[psutil.Process, int], tmp_path: Path):
    process, port = started
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                assert answer.read() == b"ok"
                break
        except OSError:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)
    else:
        pytest.fail((tmp_path / "log").read_text())
    family = [process, *process.children(recursive=True)]
    listening = {at.laddr.ip for one in family for at in one.net_connections("tcp") if at.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_the_configuration_names_the_loopback():
    told = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    assert told["server"]["address"] == "127.0.0.1"
