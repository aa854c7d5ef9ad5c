"""The attack that is shown is the attack that runs: sliders moved as fast as keys repeat, and the stored settings."""

import random

import pytest
from playwright.sync_api import Page, expect

from core.engine.store import Store
from core.engine.worker import store_place
from tests.pages.serving import Server

pytestmark = pytest.mark.browser
PAUSES = (0, 15, 40, 120)  # ms between two presses: shorter than a run of the page, and about as long


def pressed(page: Page, name: str, presses: int, key: str, pause: int) -> str:
    """Move a slider by its arrow keys without waiting for the page; the value it then shows."""
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    for _ in range(presses):
        slider.press(key)
        page.wait_for_timeout(pause)
    return slider.input_value()


def test_sliders_moved_fast_store_what_they_show(visit, server) -> None:
    page = visit("/lab?lab.method=adv-kip&lab.training=adversarial")
    for seed, pause in enumerate(PAUSES):
        moved_and_stored(page, server, random.Random(seed), pause)


def moved_and_stored(page: Page, server: Server, rng: random.Random, pause: int) -> None:
    """Move the slider to and fro, press Run, and look at the settings of the run; it is cancelled again."""
    for _ in range(2):
        pressed(page, "Attack budget ε", rng.randint(8, 10), "ArrowRight", pause)
        pressed(page, "Attack budget ε", rng.randint(1, 4), "ArrowLeft", pause)
        shown = pressed(page, "Attack budget ε", rng.randint(1, 2), "ArrowRight", pause)
    page.wait_for_url(f"**lab.eps={float(shown):g}**")
    expect(page.get_by_text(f"Reads Linf, ε {float(shown):g} from the attack.").first).to_be_visible()
    store = Store(store_place(server.home))
    before = store.count()
    page.get_by_role("button", name="Run", exact=True).click()
    try:
        while store.count() == before:
            page.wait_for_timeout(50)
        record = store.runs(limit=1)[0]
        store.request_cancel(record.id)
    finally:
        store.close()
    parts = (record.config["method"]["options"], record.config["training"]["options"], record.config["evaluation"])
    assert [(part["norm"], part["eps"]) for part in parts] == [("Linf", float(shown))] * 3
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
