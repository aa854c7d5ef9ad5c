"""What ships is on screen before there is a run of one's own, in a real browser on an empty home."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def server(empty: Any) -> Any:
    """Not the one on which others begin runs."""
    return empty


def test_examples_stand_in_runs_where_there_is_no_run_yet_and_pass_axe(visit, page: Page) -> None:
    visit("/runs")
    expect(page.get_by_text("Tick one to open")).to_be_visible()
    page.get_by_role("radio", name="Mine").click()
    expect(page.get_by_text("or show the examples")).to_be_visible()
    page.get_by_role("radio", name="Examples").click()
    expect(page.get_by_text("Tick one to open")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
