"""What page tests stand on: pages alone in this process without workers, or a real server and a real Chromium.

The Chromium may talk to nobody but its server.
"""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core import api
from core.api import workplace
from core.maps import umap
from tests.flat_map import flat_map

ROOT = Path(__file__).resolve().parents[2]
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"


EXECUTORS = ("covering", "queue", "visitors", "work")  # modules of core.api that hand runs to somebody


class Nobody:
    """An executor that leaves runs queued."""

    def submit(self, run_id: str) -> None: ...

    def cancel(self, run_id: str) -> None:
        workplace.store().request_cancel(run_id)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """An empty home on the CPU, no worker behind the pages, and maps that cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("BALLAST_DEVICE", "cpu")
        patch.setattr(workplace, "EXAMPLES", tmp_path_factory.mktemp("none"))
        patch.setattr(umap, "embed", flat_map)
        for module in EXECUTORS:
            patch.setattr(f"core.api.{module}.executor", Nobody)
        patch.setattr(api, "ensure_workers", lambda: None)
        yield patch
        workplace.close()


class Server:
    """`streamlit run app.py` with its own BALLAST_HOME; can be stopped and started again on the same home."""

    def __init__(self, home: Path, script: str = "app.py") -> None:
        self.home, self.script = home, script
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.process: subprocess.Popen | None = None

    def finished(self, settings: Mapping[str, Any], name: str) -> str:
        """Id of a finished run in the home, done in this process with a map that costs nothing."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BALLAST_HOME", str(self.home))
            patch.setattr(umap, "embed", flat_map)
            record = api.here("run", settings, name=name)
        assert record.status == "done", record.error
        return record.id

    def start(self) -> None:
        options = ["--server.port", str(self.port), "--server.headless", "true", "--server.fileWatcherType", "none"]
        environment = {**os.environ, "BALLAST_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(ROOT / self.script), *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.wait()

    def wait(self) -> None:
        """Until the server answers; a server that ended shows its log."""
        wait = psutil.Process(self.process.pid)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    assert answer.read() == b"ok"
                    return
            except OSError:
                try:
                    wait.wait(timeout=0.1)
                except psutil.TimeoutExpired:
                    continue
                pytest.fail(f"the server ended:\n{(self.home / 'server.log').read_text()}")
        pytest.fail("the server did not answer within a minute")

    def workers(self) -> list[psutil.Process]:
        """The worker processes of this home that do runs."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            ours = "core.engine.worker" in words and str(self.home) in words
            if ours and words[words.index("--slot") + 1].startswith("work-"):
                found.append(process)
        return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def close(self) -> None:
        self.stop()
        for process in self.workers():
            process.kill()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Start servers of another script, in the environment of the moment."""
    running: list[Server] = []

    def serve(script: str) -> Server:
        running.append(Server(tmp_path_factory.mktemp("home"), script))
        running[-1].start()
        return running[-1]

    yield serve
    for server in running:
        server.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def empty(serving: Callable[[str], Server]) -> Server:
    """A server whose home has no runs, nor gets any."""
    return serving("app.py")


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh visitor; the test fails if any page of it asks another host for anything."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    outside: list[str] = []
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    context.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
    yield context
    context.close()
    assert outside == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    return page


STYLED = "[...document.querySelectorAll('style')].some(e => e.textContent.includes('stSliderThumbValue'))"


def settle(page: Page) -> None:
    """Wait until the page has been drawn once, in its own style, and nothing runs.

    The first page of a fresh browser stands for a moment without the app's style sheet: what puts it there is loaded
    by itself.
    """
    page.wait_for_selector(SETTLED, timeout=120_000)
    page.wait_for_function(STYLED)


@pytest.fixture
def visit(page: Page, server: Server):
    """Open a path of the server and wait until it is drawn."""

    def open_path(path: str = "/") -> Page:
        page.goto(server.url + path)
        settle(page)
        return page

    return open_path
