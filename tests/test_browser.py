"""browser.py: takes what is here and starts, fetches it where nothing does, and never waits without end."""

import os
import time
from pathlib import Path

import pytest

import browser

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for browsers are shell scripts")


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a browser: an empty folder is all there is on the path."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "fetched"))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser, "MAC", ())
    return tmp_path


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def makes(path: Path) -> str:
    """Shell lines that leave a working browser at a path."""
    return f"/bin/mkdir -p {path.parent}; echo '#!/bin/sh' > {path}; /bin/chmod 755 {path}"


def test_nothing_is_found_where_nothing_is():
    assert browser.find() is None


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "microsoft-edge"])
def test_any_of_the_family_is_taken(bare: Path, name: str):
    path = script(bare / "bin" / name, "exit 0")
    assert browser.find() == path


def test_a_stub_that_starts_nothing_is_passed_over(bare: Path):
    script(bare / "bin" / "chromium-browser", "exit 1")
    assert browser.find() is None
    path = script(bare / "bin" / "google-chrome", "exit 0")
    assert browser.find() == path


def test_the_variable_names_one_or_none(bare: Path, monkeypatch: pytest.MonkeyPatch):
    script(bare / "bin" / "chromium", "exit 0")
    mine = script(bare / "mine", "exit 0")
    monkeypatch.setenv(browser.VARIABLE, str(mine))
    assert browser.find() == mine
    monkeypatch.setenv(browser.VARIABLE, "none")
    assert browser.find() is None
    assert browser.provide(Path("/nowhere")) is None


def test_one_that_is_here_is_not_fetched(bare: Path):
    path = script(bare / "bin" / "chromium", "exit 0")
    python = script(bare / "python", f"echo asked > {bare}/asked")
    assert browser.provide(python) == path
    assert not (bare / "asked").exists()


def test_playwright_is_asked_first(bare: Path, monkeypatch: pytest.MonkeyPatch):
    fetched = bare / "fetched" / "chromium-9" / "chrome-linux64" / "chrome"
    python = script(bare / "python", f'echo "$@" > {bare}/asked; {makes(fetched)}')
    monkeypatch.setattr(browser, "may_install_packages", lambda: pytest.fail("no package is needed"))
    assert browser.provide(python) == fetched
    assert "playwright install" in (bare / "asked").read_text()


def test_debian_s_package_where_playwright_hangs(bare: Path, monkeypatch: pytest.MonkeyPatch):
    python = script(bare / "python", "/bin/sleep 600")
    script(bare / "bin" / "apt-get", f'echo "$@" >> {bare}/asked; {makes(bare / "bin" / "chromium")}')
    monkeypatch.setattr(browser, "DOWNLOAD_S", 0.2)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    assert browser.provide(python) == bare / "bin" / "chromium"
    assert "install -y --no-install-recommends chromium" in (bare / "asked").read_text()


def test_none_where_packages_may_not_be_installed(bare: Path, monkeypatch: pytest.MonkeyPatch):
    python = script(bare / "python", "exit 1")
    script(bare / "bin" / "apt-get", f"echo asked >> {bare}/asked")
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    assert browser.provide(python) is None
    assert not (bare / "asked").exists()


def test_what_takes_too_long_ends_with_its_children(bare: Path):
    """A child that lived on would write its file a second after the end of its parent."""
    script(bare / "parent", f"( echo begun > {bare}/begun; /bin/sleep 3; echo lived > {bare}/lived ) & wait")
    assert not browser.finished([str(bare / "parent")], seconds=1)
    assert (bare / "begun").exists()
    time.sleep(3)
    assert not (bare / "lived").exists()
