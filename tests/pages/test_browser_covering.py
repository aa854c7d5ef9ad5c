"""Covers in a real browser with a real worker: a moved slider gives a new cover, Stop keeps the best so far."""

import os
import re
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SLOW = 240_000  # ms, for a worker that first imports and compiles everything on a busy machine
VALID = re.compile("Certificate valid")


def centres(page, count: str) -> None:
    """Wait until the certified cover has so many centres."""
    expect(page.get_by_text(VALID)).to_be_visible(timeout=SLOW)
    metric = page.get_by_test_id("stMetric").filter(has_text=re.compile("^Centres"))
    expect(metric.get_by_test_id("stMetricValue")).to_have_text(count, timeout=SLOW)


WATCH = """() => {
  const box = name => document.querySelector(`.st-key-covering-${name}`)?.getBoundingClientRect();
  window.seen = {heights: [], tops: [], sizes: [], grey: 0};
  const [main, around] = [document.querySelector('[data-testid=stMain]'), '.st-key-covering-around'];
  const look = () => {
    const map = box('map-box');
    window.seen.heights.push(main.scrollHeight);
    window.seen.tops.push(map ? map.top + main.scrollTop : null);
    window.seen.sizes.push(map ? map.height : null);
    const pale = box('around') && getComputedStyle(document.querySelector(around)).filter === 'grayscale(1)';
    window.seen.grey += box('grey') && pale ? 1 : 0;
    window.watching = requestAnimationFrame(look);
  };
  look();
}"""


def nothing_jumped(page) -> None:
    """While a cover was solved the one before stayed, grey; the map kept its place, and the page did not collapse."""
    seen = page.evaluate("() => { cancelAnimationFrame(window.watching); return window.seen }")
    assert seen["grey"] > 0
    assert None not in seen["tops"] and max(seen["tops"]) - min(seen["tops"]) <= 2, sorted(set(seen["tops"]))
    assert max(seen["sizes"]) - min(seen["sizes"]) <= 2, sorted(set(seen["sizes"]))
    assert min(seen["heights"]) >= 0.98 * seen["heights"][0], sorted(set(seen["heights"]))


def test_a_moved_slider_shows_a_new_cover_with_true_balls(visit) -> None:
    page = visit("/covering?covering.data.name=moons&covering.ipc=10&covering.eps.L2=0.08")
    centres(page, "20")
    budget = page.get_by_role("slider", name="Attack budget ε (L2)")
    expect(budget).to_have_value("0.08")  # the link restores the form
    expect(page.locator(".st-key-covering-map .js-plotly-plot")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Other methods at equal k, and at an equal radius")).to_be_visible(timeout=SLOW)
    page.evaluate(WATCH)
    slider = page.get_by_role("slider", name="Centres per class")
    slider.focus()
    slider.press("ArrowLeft")
    centres(page, "18")
    assert "covering.ipc=9" in page.url
    nothing_jumped(page)
    expect(page.get_by_text("discs of L2")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Other methods at equal k, and at an equal radius")).to_be_visible(timeout=SLOW)
    page.mouse.move(900, 5)
    expect(page.get_by_role("tooltip")).to_have_count(0)
    if folder := os.environ.get("BALLAST_SHOTS"):
        page.set_viewport_size({"width": 1400, "height": 2600})
        page.wait_for_timeout(1500)
        page.screenshot(path=str(Path(folder) / "covering.png"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_stop_in_the_middle_keeps_the_best_so_far(visit, server) -> None:
    """Images of noise: far from each other, so that the search goes on and the gap stays open."""
    rng = np.random.default_rng(0)
    path = server.home / "data" / "noise.npz"
    path.parent.mkdir(exist_ok=True)
    x, y = rng.integers(0, 256, (1600, 8, 8), np.uint8), np.arange(1600) % 2
    np.savez(path, x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])
    page = visit(f"/covering?covering.data.name={quote(str(path))}")
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible(timeout=SLOW)
    stop.click()
    expect(page.get_by_text("Stopped early")).to_be_visible(timeout=SLOW)
    centres(page, "20")
    expect(stop).to_have_count(0)
