"""The browser that drives the page tests: any Chrome, Chromium or Edge that works, or one fetched for them.

`find` looks and changes nothing; `provide` fetches one where none is found, from Playwright first and from Debian's
packages where this user may install some. $BALLAST_BROWSER names a browser to take, or says `none` to do without.
Standard library only: `run.py` imports it before anything is installed.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

VARIABLE = "BALLAST_BROWSER"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
            "microsoft-edge-stable", "msedge")  # fmt: skip
MAC = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS = ("Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe",
           "Microsoft/Edge/Application/msedge.exe")  # fmt: skip
DOWNLOADED = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-win*/chrome.exe",
              "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")  # fmt: skip
DOWNLOAD_S, PACKAGE_S, ANSWER_S = 300, 600, 60
CONNECT_MS = "5000"
UNRUN = 10  # exit code of a test run in which all that ran passed, and browser tests did not run
MISSING = (
    "no browser is here: install Chrome, Chromium or Edge (on Debian: sudo apt-get install chromium), "
    f"or set {VARIABLE} to the path of one"
)


def find() -> Path | None:
    """The first browser here that answers; None where none does, or where $BALLAST_BROWSER is `none`."""
    wanted = os.environ.get(VARIABLE)
    if wanted == "none":
        return None
    return next((path for path in ([Path(wanted)] if wanted else places()) if answers(path)), None)


def provide(python: Path) -> Path | None:
    """A browser that is here, else one fetched with the Playwright of this Python, else Debian's."""
    found = find()
    if found or os.environ.get(VARIABLE):
        return found
    print("No Chrome, Chromium or Edge is here: fetching Playwright's Chromium, some 200 MB.", flush=True)
    fetch = [str(python), "-m", "playwright", "install", "--no-shell", "chromium"]
    if finished(fetch, DOWNLOAD_S, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=CONNECT_MS) and (found := find()):
        return found
    if not may_install_packages():
        return None
    print("Playwright's cannot be had or does not start: installing the system's package chromium.", flush=True)
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60"]
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        finished([*apt, *step], PACKAGE_S, DEBIAN_FRONTEND="noninteractive")  # where update fails, old lists may do
    return find()


def places() -> Iterator[Path]:
    """Where browsers are put: on the path, by their installers, by Playwright (the newest first)."""
    yield from (Path(path) for name in COMMANDS if (path := shutil.which(name)))
    yield from (Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in MAC)
    roots = [os.environ[name] for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA") if name in os.environ]
    yield from (Path(root, *name.split("/")) for root in roots for name in WINDOWS)
    for pattern in DOWNLOADED:
        yield from sorted(downloads().glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)


def downloads() -> Path:
    """Playwright's own folder of browsers."""
    if path := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(path)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "ms-playwright"
    mac = Path.home() / "Library/Caches/ms-playwright"
    return mac if mac.parent.is_dir() else Path.home() / ".cache/ms-playwright"


def answers(path: Path) -> bool:
    """Whether this file is a browser that starts: some are stubs that only say what to install, or lack libraries."""
    if not path.is_file():
        return False
    if os.name == "nt":  # there `--version` opens a window
        return True
    return finished([str(path), "--version"], ANSWER_S)


def may_install_packages() -> bool:
    """Root on a system of Debian's kind."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def finished(command: Sequence[str], seconds: float, **environment: str) -> bool:
    """Whether a command ends well in time, unheard; one that does not is ended with everything it started."""
    merged = {**os.environ, **environment}
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, env=merged, stdout=quiet, stderr=quiet, start_new_session=True)
    except OSError:
        return False
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and, where there are process groups, its children."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
