"""Every page with the examples on screen, in a real browser: small screens without sideways scrolling, and axe."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.pages.serving import Server

pytestmark = pytest.mark.browser
SMALL = ((1024, 768), (390, 844))
PAGES = {
    "play": "canvas.picture", "learn": "canvas", "lab": ".st-key-lab-numbers", "data": ".st-key-data-pictures img",
    "covering": ".st-key-covering-map .js-plotly-plot", "attack": ".st-key-attack-surface .js-plotly-plot",
    "audit": "[data-testid=stDataFrame]", "kernel": ".st-key-kernel-stop", "study": "[data-testid=stVegaLiteChart]",
    "runs?runs.show=Examples": "[data-testid=stDataFrame]",
}  # fmt: skip
EXAMPLE = {  # of what is recorded, beside when it was
    "lab": "Covering, 10 per class, digits, adversarial training",
    "attack": "Attack on Covering, 10 per class, digits, adversarial training",
    "study": "drawn anew for each seed",
    "covering": "Certificate valid",
}
PICTURES_FIRST = ("lab", "data", "covering", "attack")
FITS = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return document.documentElement.scrollWidth <= innerWidth && main.scrollWidth <= main.clientWidth;
}"""
ABOVE = """() => {
  const [pictures, numbers] = ['pictures', 'numbers'].map(word =>
    document.querySelector(`[data-testid=stMain] [class*=st-key-][class*=-${word}]`).getBoundingClientRect().top);
  return pictures < numbers;
}"""


@pytest.fixture(scope="module")
def page(browsing: BrowserContext, empty: Server) -> Iterator[Page]:
    """One visitor of an empty home: what is on screen are the examples."""
    page = browsing.new_page()
    page.set_default_timeout(90_000)
    page.goto(empty.url + "/runs")
    yield page
    page.close()


@pytest.fixture
def at(page: Page) -> Callable[..., None]:
    def open_path(path: str, width: int = 1440) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{page.url.split('/', 3)[0]}//{page.url.split('/', 3)[2]}/{path}")
        page.wait_for_selector(PAGES[path])
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.wait_for_timeout(500)  # for what is laid out after the script has ended

    return open_path


@pytest.mark.parametrize("path", PAGES)
def test_examples_small_screens_and_axe_in_light_and_dark(page: Page, at: Callable[..., None], path: str) -> None:
    at(path)
    if path in EXAMPLE:
        expect(page.get_by_text("Example, recorded on").first).to_be_visible()
        expect(page.get_by_text(EXAMPLE[path]).first).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)  # colours fade over
        rules = Axe().run(page).response["violations"]
        assert not rules, [
            (scheme, rule["id"], [(node["target"], node["failureSummary"]) for node in rule["nodes"]]) for rule in rules
        ]
    for width, height in SMALL:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(FITS, timeout=20_000)  # figures follow the window in a moment
        if path in PICTURES_FIRST:
            assert page.evaluate(ABOVE), f"numbers stand above pictures at {width}"


def test_pages_and_run_are_reached_on_a_small_screen(page: Page, at: Callable[..., None]) -> None:
    at("lab", 390)
    page.get_by_test_id("stExpandSidebarButton").click()
    for title in ("Play", "Covering", "Runs"):
        expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
