"""Moving through the shipped study by its sliders and buttons, in a real browser on a home without a worker's run."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core import api

pytestmark = pytest.mark.browser
STUDY = "example-transfer"


@pytest.fixture
def server(empty: Any) -> Any:
    """Not the one on which others begin runs."""
    return empty


def numbers(page: Page) -> list[str]:
    return [
        page.get_by_test_id("stMetric").filter(has_text=title).get_by_test_id("stMetricValue").inner_text()
        for title in ("Clean accuracy", "Robust accuracy")
    ]


def shown(row: api.study.Row) -> list[str]:
    return [f"{100 * value:.1f} %" for value in (row.clean, row.attacked)]


def test_sliders_and_buttons_move_through_what_was_measured(visit, page: Page, empty) -> None:
    rows = {(r.method, r.ipc, r.training, r.eps): r for r in api.study.rows(STUDY)}
    visit(
        "/study?study.explore.method=mfc&study.explore.eps=0.1&study.explore.ipc=10"
        "&study.name=mine&study.methods=dm,kip&study.ipc=3&study.eps=0.3"
    )
    for label, value in (("Name of the study", "mine"), ("Images per class", "3"), ("Attack budget ε", "0.3")):
        expect(page.get_by_role("textbox", name=label)).to_have_value(value)  # the link restores the form
    for method in ("Distribution matching", "KIP"):
        expect(page.locator(".st-key-study-methods").get_by_text(method, exact=True)).to_be_visible()
    picture = page.get_by_role("img", name="Condensed images of this cell")
    expect(picture).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text(shown(rows["mfc", 10, "standard", 0.1])[1])
    assert numbers(page) == shown(rows["mfc", 10, "standard", 0.1])
    before = picture.get_attribute("src")

    page.get_by_role("radio", name="Adversarial (warm start)").click()
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text(shown(rows["mfc", 10, "warm-start", 0.1])[1])
    page.get_by_role("radio", name="Random").first.click()
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text(shown(rows["random", 10, "warm-start", 0.1])[1])
    expect(picture).not_to_have_attribute("src", before)

    page.get_by_role("slider", name="Attack budget ε").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not measured", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text("–")
    assert numbers(page) == ["–"] * 2
    page.get_by_role("button", name="ε 0.2, 10 per class").click()
    expect(page.get_by_test_id("stMetricValue").nth(1)).to_have_text(shown(rows["random", 10, "warm-start", 0.2])[1])
    assert re.search(r"study\.explore\.eps=0\.2\b", page.url)
    assert not list((empty.home / "runs").glob("*"))  # moving about queues nothing
    page.mouse.move(5, 5)
    page.wait_for_timeout(700)  # the ends of a slider fade over
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

    page.get_by_role("button", name="Run 1", exact=True).first.click()
    expect(page).to_have_url(re.compile(rf"/lab\?run={rows['random', 10, 'warm-start', 0.2].runs[0]}"))
