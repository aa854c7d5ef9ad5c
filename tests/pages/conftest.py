"""What page tests stand on: pages alone in this process without workers, or a real server and a real Chromium.

The Chromium may talk to nobody but its server.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from core import api
from core.api import workplace
from core.maps import umap
from tests.flat_map import flat_map
from tests.pages.serving import Server

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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose home has no runs, nor gets any."""
    running = Server(tmp_path_factory.mktemp("home"), working=False)
    running.start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def browsing(chromium: Browser) -> Iterator[BrowserContext]:
    """One cache for all visitors: each reading and compiling the app's scripts anew costs a second."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context
    context.close()


@pytest.fixture
def context(browsing: BrowserContext) -> Iterator[BrowserContext]:
    """A fresh visitor; the test fails if any page of it asks another host for anything."""
    outside: list[str] = []
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")

    def seen(request: Request) -> None:
        if not request.url.startswith(local):
            outside.append(request.url)

    browsing.on("request", seen)
    yield browsing
    for page in browsing.pages:
        page.evaluate("() => { try { localStorage.clear(); } catch { } }")  # what a blank page has none of
        page.close()
    browsing.clear_cookies()
    browsing.remove_listener("request", seen)
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
