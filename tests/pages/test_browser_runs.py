"""Nothing is lost: reload, second tab, cancel, a killed worker, a restarted app; in a real browser."""

import re
import signal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core import api
from core.api import workplace

pytestmark = pytest.mark.browser
LONG = "/lab?lab.method=random&lab.method.ipc=2&lab.training=standard&lab.training.epochs=90000"
SHORT = (
    "/lab?lab.method=random&lab.method.ipc=2&lab.training=standard&lab.training.epochs=4"
    "&lab.evaluation.attack_steps=5&lab.evaluation.images=60&lab.evaluation.curve_images=40"
)
SLOW = 240_000  # ms, for a worker that first imports everything on a busy machine


def start(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**run=*")


def training(page: Page) -> None:
    expect(page.get_by_text(re.compile("Train · .* epochs"))).to_be_visible(timeout=SLOW)


def badge(page: Page, word: str) -> None:
    expect(page.locator(".stMarkdownBadge", has_text=word)).to_be_visible(timeout=SLOW)


def test_polls_reload_second_tab_and_cancel(visit, context: BrowserContext) -> None:
    page = visit(LONG)
    start(page)
    training(page)
    zoom_survives_the_polls(page)
    page.reload()
    training(page)
    second = context.new_page()
    second.goto(page.url)
    training(second)
    second.get_by_role("button", name="Cancel").click()
    badge(second, "cancelled")
    badge(page, "cancelled")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def zoom_survives_the_polls(page: Page) -> None:
    """A chart is the same node after events have come."""
    chart = page.get_by_test_id("stVegaLiteChart").locator("canvas, svg.marks").first
    expect(chart).to_be_visible()
    chart.evaluate("node => { node.dataset.mine = 'yes' }")
    rate = page.get_by_text(re.compile("Train · .* epochs"))
    before = rate.inner_text()
    expect(rate).not_to_have_text(before)
    assert chart.evaluate("node => node.dataset.mine") == "yes"


def test_killed_worker_is_seen_and_its_run_resumed(visit, server) -> None:
    page = visit(LONG)
    start(page)
    training(page)
    working = server.workers()
    assert working
    for process in working:
        process.kill()
    badge(page, "interrupted")
    page.get_by_role("button", name="Resume").click()
    training(page)
    page.get_by_role("button", name="Cancel").click()
    badge(page, "cancelled")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_stopped_worker_is_told_and_its_run_gone_on_with(visit, server) -> None:
    page = visit(LONG)
    start(page)
    training(page)
    (working,) = server.workers()
    working.suspend()
    expect(page.get_by_text(re.compile("No sign of life for .* s"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Kill and requeue").click()
    expect(page.get_by_text("No sign of life")).to_have_count(0, timeout=SLOW)
    training(page)
    assert working.pid not in {process.pid for process in server.workers()}
    page.get_by_role("button", name="Cancel").click()
    badge(page, "cancelled")


def test_deleted_run_is_restored_from_the_trash(visit) -> None:
    page = visit(LONG)
    start(page)
    page.get_by_role("button", name="Cancel").click()
    badge(page, "cancelled")
    page = visit("/runs")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + 52)  # the tick of the newest run
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Trash", exact=True).click()
    page.get_by_role("button", name="Restore").first.click()
    expect(page.get_by_role("button", name="Restore")).to_have_count(0)
    expect(table).to_be_visible()


def test_restarted_app_shows_its_runs_on_a_deep_link_as_first_visit(visit, server, page: Page) -> None:
    visit(SHORT)
    start(page)
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=SLOW)
    server.stop()
    server.start()
    visit("/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    expect(page.get_by_role("link", name="Lab")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    visit("/data")
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_unknown_run_is_one_sentence(visit) -> None:
    page = visit("/lab?run=nothing")
    expect(page.get_by_test_id("stAlert")).to_contain_text("nothing")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_an_image_in_a_name_asks_nobody(visit, server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The visitor of `visit` fails when its browser asks another host for anything."""
    name = "![x](http://evil.example/x.png) **bold** :red[red] <img src=http://evil.example/y.png>"
    monkeypatch.setenv("BALLAST_HOME", str(server.home))
    store = workplace.store()
    run_id = store.create("run", api.RunConfig().to_json(), name=name, digest="", lane="work")
    store.request_cancel(run_id)
    page = visit(f"/lab?run={run_id}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    visit("/runs")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    api.delete(run_id)
    visit("/runs")
    page.get_by_text("Trash").click()
    expect(page.get_by_text(name)).to_be_visible()
    visit("/lab?run=" + name.replace(" ", "%20"))
    expect(page.get_by_test_id("stAlert")).to_contain_text("![x](http://evil.example/x.png)")
    page.wait_for_timeout(500)
