"""A shared server and three browsers: the owner's, a guest's, and one without a link."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core import api
from tests.pages.serving import Server

pytestmark = pytest.mark.browser
OWNER, GUEST = "owner-key-of-the-test-0123", "guest-key-of-the-test-0123"
SHARED = {"BALLAST_ACCESS": "token", "BALLAST_OWNER_TOKEN": OWNER, "BALLAST_GUEST_TOKEN": GUEST}
SHORT = "&lab.data.name=moons&lab.method=random&lab.method.ipc=2&lab.training=standard&lab.training.epochs=2"
TITLES = ("Play", "Lab", "Data", "Covering", "Attack", "Audit", "Kernel", "Study", "Runs")
SLOW = 240_000


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHARED.items():
            patch.setenv(name, value)
        running = Server(tmp_path_factory.mktemp("home"), "serve.py")
        running.start()
        patch.setenv("BALLAST_HOME", str(running.home))
        yield running
        running.close()


@pytest.fixture
def visitor(chromium: Browser, shared: Any) -> Iterator[Any]:
    """A browser of its own for each who comes; no page may ask another host, nor break the policy of the server."""
    contexts, outside, broken = [], [], []

    def come(path: str, key: str = "") -> Page:
        context = chromium.new_context(viewport={"width": 1400, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        expect.set_options(timeout=30_000)
        local = (shared.url, shared.url.replace("http", "ws", 1), "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
        page.on("console", lambda told: broken.append(told.text) if "Content Security Policy" in told.text else None)
        token = f"{'&' if '?' in path else '?'}token={key}" if key else ""
        page.goto(f"{shared.url}{path}{token}")
        return page

    yield come
    for context in contexts:
        context.close()
    assert outside == [] and broken == []


def test_nobody_sees_anything_without_a_link(visitor: Any, shared: Any) -> None:
    page = visitor("/runs")
    expect(page.get_by_text("This server is shared by links")).to_be_visible()
    assert page.locator("[data-testid=stApp], script").count() == 0
    opened = page.evaluate(
        "url => new Promise(done => { const w = new WebSocket(url); w.onopen = () => done('open');"
        " w.onerror = () => done('refused') })",
        shared.url.replace("http", "ws", 1) + "/_stcore/stream",
    )
    assert opened == "refused"
    page.get_by_label("Key").fill("wrong-key-of-the-test-0123")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_text("This key is not, or no longer, one")).to_be_visible()
    page.get_by_label("Key").fill(GUEST)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert "token" not in page.url


def test_owner_and_guest_on_one_server(visitor: Any, shared: Any) -> None:
    owner = visitor("/lab?x=1" + SHORT, OWNER)
    owner.get_by_role("button", name="Run", exact=True).click()
    owner.wait_for_url("**run=*")
    run_id = owner.url.partition("run=")[2].partition("&")[0]
    assert api.get(run_id).visitor == ""

    guest = visitor(f"/lab?run={run_id}{SHORT}", GUEST)
    expect(guest.get_by_text("You are a guest of this server")).to_be_visible()
    expect(guest.get_by_role("button", name="Run again")).to_be_visible(timeout=SLOW)
    guest.get_by_role("button", name="Run", exact=True).click()
    guest.wait_for_function("old => !location.search.includes(old)", arg=run_id)
    own = guest.url.partition("run=")[2].partition("&")[0]
    assert api.get(own).visitor != ""

    guest.get_by_role("link", name="Runs").click()
    expect(guest.get_by_test_id("stDataFrame")).to_be_visible()
    guest.get_by_text("Machine").click()
    expect(guest.get_by_text("Workers compute on")).to_be_visible()
    expect(guest.get_by_label("Runs at the same time")).to_have_count(0)
    guest.get_by_role("link", name="Data").click()
    expect(guest.get_by_role("radio", name="Upload")).to_be_visible()
    expect(guest.get_by_role("radio", name="Path")).to_have_count(0)
    guest.get_by_role("link", name="Study").click()
    expect(guest.get_by_role("button", name="Start the study")).to_be_disabled()
    owner.get_by_role("link", name="Data").click()
    expect(owner.get_by_role("radio", name="Path")).to_be_visible()
    owner.get_by_role("radio", name="Path").click()
    answers = set()
    for path in ("/etc/shadow", "/etc/nothing-of-this-name"):
        owner.get_by_role("textbox", name="Path of a file").fill(path)
        owner.get_by_role("textbox", name="Path of a file").press("Enter")
        owner.get_by_role("button", name="Load", exact=True).click()
        told = owner.get_by_test_id("stAlert").filter(has_text="this server reads only")
        expect(told).to_be_visible()
        answers.add(told.inner_text())
    assert len(answers) == 1


def test_a_guest_cannot_stop_the_owners_run(visitor: Any) -> None:
    owner = visitor("/lab?lab.training.epochs=2000&lab.method=random", OWNER)
    owner.get_by_role("button", name="Run", exact=True).click()
    owner.wait_for_url("**run=*")
    expect(owner.get_by_role("button", name="Cancel")).to_be_visible(timeout=SLOW)
    run_id = owner.url.partition("run=")[2].partition("&")[0]
    guest = visitor(f"/lab?run={run_id}", GUEST)
    expect(guest.get_by_text("Condensed images").first).to_be_visible()
    expect(guest.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(guest.get_by_test_id("stException")).to_have_count(0)
    assert api.get(run_id).status in ("queued", "running")
    owner.get_by_role("button", name="Cancel").click()
    expect(owner.get_by_role("button", name="Run again")).to_be_visible()
    assert api.get(run_id).status == "cancelled"


def test_every_page_draws_under_the_policy_of_the_server(visitor: Any) -> None:
    page = visitor("/", GUEST)
    for title in TITLES:
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(page.get_by_test_id("stException")).to_have_count(0)
    page.get_by_role("link", name="Play", exact=True).click()
    expect(page.locator("canvas").first).to_be_visible()


def test_a_name_of_somebody_else_is_not_answered(visitor: Any, shared: Any) -> None:
    page = visitor("/", OWNER)
    answer = page.request.get(f"{shared.url}/runs", headers={"Origin": "http://evil.example"})
    assert answer.status == 403 and os.fspath(shared.home) not in answer.text()
    assert page.request.get(f"{shared.url}/runs").status == 200
