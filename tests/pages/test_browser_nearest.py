"""Why an image is proven, in a real browser: a press on a test image draws its neighbours, its formula and its ball."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core import api

pytestmark = pytest.mark.browser
SLOW = 240_000  # ms, on a busy machine
RUN = {
    "data": {"name": "digits"},
    "method": {"name": "k-means", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 8}},
    "training": {"name": "standard", "options": {"epochs": 2}},
    "evaluation": {"eps": 0.05, "images": 20, "attack_steps": 5, "curve_points": 2, "curve_images": 20,
                   "live_images": 0},
}  # fmt: skip


@pytest.fixture(scope="module")
def run_id(server) -> str:
    return server.finished(RUN, "proven")


def lengths(page: Page) -> tuple[float, float]:
    """The proven radius and the smallest attack as the page says them."""
    text = page.get_by_text(re.compile("Proven: no move shorter than")).locator("..").inner_text()
    found = re.search(r"shorter than ([\d.]+) .*smallest attack found is ([\d.]+) long", text)
    assert found, text
    return float(found[1]), float(found[2])


def test_a_press_on_a_test_image_shows_what_proves_it(visit, page: Page, run_id: str, monkeypatch, server) -> None:
    monkeypatch.setenv("BALLAST_HOME", str(server.home))
    found = api.nearest.explained(run_id)
    linf, l2 = (found.norms.tolist().index(norm) for norm in ("Linf", "L2"))
    right = [i for i in range(len(found.y)) if found.radius[linf, i] > 0 and np.isfinite(found.size[:2, i]).all()]
    image = next(i for i in right if found.y[i] == 3 and found.rows[i] != found.rows[found.y == 3][0])
    page.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    visit(f"/lab?run={run_id}")
    part = page.locator(".st-key-lab\\.explained, .st-key-lab-explained")
    part.scroll_into_view_if_needed()
    part.get_by_role("radio", name="3", exact=True).click()
    part.get_by_role("button", name=str(found.rows[image]), exact=True).click()
    expect(part.get_by_text(f"test image {found.rows[image]}, of class 3")).to_be_visible()
    expect(part.get_by_text(f"{found.own_away[image]:.3f}").first).to_be_visible()
    expect(part.get_by_text(f"{found.foreign_away[image]:.3f}").first).to_be_visible()
    expect(part.get_by_text(f"shorter than {found.radius[linf, image]:.4f} (Linf)")).to_be_visible()
    proven, attacked = lengths(page)
    assert proven <= attacked == round(float(found.size[linf, image]), 4)
    expect(part.locator(".katex-html").first).to_contain_text(f"{found.formula[linf, image]:.4f}")
    expect(part.get_by_alt_text(re.compile("smallest attack found, Linf"))).to_be_visible()
    part.get_by_role("radio", name="L2", exact=True).click()
    expect(part.get_by_text(f"shorter than {found.radius[l2, image]:.4f} (L2)")).to_be_visible()
    assert lengths(page)[0] <= lengths(page)[1] == round(float(found.size[l2, image]), 4)
    page.mouse.move(700, 5)
    expect(page.get_by_role("tooltip")).to_have_count(0)
    violations = Axe().run(page, context=".st-key-lab-explained")
    assert violations.violations_count == 0, violations.generate_report()
