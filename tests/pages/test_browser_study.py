"""Distribution matching watched live, and a study gone on with, in a real browser with real processes."""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core import api

pytestmark = pytest.mark.browser
SLOW = 300_000  # ms, for a process that first imports everything on a busy machine
SMALL = {
    "data": {"name": "moons", "limit": 40}, "network": {"name": "mlp", "options": {"width": 16}},
    "methods": ("random", "k-center"), "ipc": (2,), "seeds": 1, "eps": (0.1,), "epochs": 5, "full_epochs": 2,
    "attack": "strong", "attack_images": 20, "images": 30, "attack_steps": 5,
}  # fmt: skip


def test_images_of_distribution_matching_form_while_one_watches(visit) -> None:
    page: Page = visit("/lab?lab.method=dm&lab.method.ipc=2&lab.method.steps=400&lab.training=standard")
    page.get_by_role("button", name="Run", exact=True).click()
    picture = page.get_by_role("img", name="Condensed images, one row per class")
    expect(picture).to_be_visible(timeout=SLOW)
    first = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", first, timeout=SLOW)  # another picture: they have moved
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("cancelled", exact=True)).to_be_visible(timeout=SLOW)


def test_a_study_is_gone_on_with_until_it_is_whole(visit, server, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(server.home))
        api.study.begin("tiny", SMALL)
    page: Page = visit("/study?study=tiny")
    expect(page.get_by_text("0 of 6 runs done")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("6 of 6 runs done")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile(r"PGD-5 .* on 30 test images, PGD \+ margin-PGD on 20"))).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_have_count(0)
    expect(page.locator("[data-testid=stVegaLiteChart][aria-label*='against clean accuracy of']")).to_be_visible()
    if folder := os.environ.get("BALLAST_SHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(1500)
            page.screenshot(path=str(Path(folder) / f"study-{scheme}.png"), full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
