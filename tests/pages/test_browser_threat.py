"""The attack that is shown is the attack that runs: sliders moved as fast as keys repeat, and the stored settings."""

import random

import pytest
from playwright.sync_api import Page, expect

from core.engine.store import Store
from core.engine.worker import store_place

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


@pytest.mark.parametrize("seed", range(4))
def test_sliders_moved_fast_store_what_they_show(visit, server, seed: int) -> None:
    rng, pause = random.Random(seed), PAUSES[seed]
    page = visit("/lab?lab.method=adv-kip&lab.training=adversarial")
    for _ in range(2):
        pressed(page, "Attack budget ε", rng.randint(8, 10), "ArrowRight", pause)
        pressed(page, "Attack budget ε", rng.randint(1, 4), "ArrowLeft", pause)
        shown = pressed(page, "Attack budget ε", rng.randint(1, 2), "ArrowRight", pause)
    page.wait_for_url(f"**lab.eps={float(shown):g}**")
    expect(page.get_by_text(f"Reads Linf, ε {float(shown):g} from the attack.").first).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**run=**")
    store = Store(store_place(server.home))
    try:
        record = store.runs(limit=1)[0]
        store.request_cancel(record.id)
    finally:
        store.close()
    parts = (record.config["method"]["options"], record.config["training"]["options"], record.config["evaluation"])
    assert [(part["norm"], part["eps"]) for part in parts] == [("Linf", float(shown))] * 3
