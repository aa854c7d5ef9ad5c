"""The main job in a real browser: from the first visit to a finished run, and to the same page after a reload."""

from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.api import METHODS

pytestmark = pytest.mark.browser
FINISH = 240_000  # ms; a finished example takes about 20 s where two cores are free


def no_violations(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_first_visit_to_finished_run_on_digits(visit) -> None:
    page = visit("/lab")
    expect(page.get_by_role("heading", name="How much robustness")).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=5_000)
    expect(page.get_by_text("A finished run to look at")).to_have_count(0, timeout=5_000)  # nor anything of the example
    expect(page.get_by_text("Condensed images, one row per class")).to_be_visible(timeout=5_000)
    expect(page.get_by_alt_text("Condensed images, one row per class")).to_be_visible(timeout=FINISH)
    conditions = page.get_by_text("Robust accuracy under PGD-100")  # of this run: the example's attack is another
    expect(conditions).to_be_visible(timeout=FINISH)
    expect(page.get_by_role("button", name="Run again")).to_be_visible()

    metrics = page.get_by_test_id("stMetric")
    expect(metrics.filter(has_text="Clean accuracy").first).to_contain_text("%")
    expect(metrics.filter(has_text="Robust accuracy").first).to_contain_text("%")
    expect(metrics.filter(has_text="Condensed images")).to_contain_text("100")
    expect(page.get_by_text("audit: not run").first).to_be_visible()
    for part in ("Linf", "ε 0.1", "step", "1 restart", "test images", "seed 0", "PGD only, not AutoAttack"):
        expect(conditions).to_contain_text(part)
    expect(page.get_by_text("python -m core run")).to_be_visible()
    assert "run=" in page.url

    centre_shows_its_members(page)
    expect(page.locator(".st-key-lab-curves-as-file").get_by_role("button", name="SVG")).to_be_visible()
    no_violations(page)
    map_saves_as_svg(page)
    page.reload()
    expect(metrics.filter(has_text="Robust accuracy").first).to_contain_text("%")
    expect(page.get_by_text("cover of class")).to_have_count(0)  # nothing that it said while it worked
    expect(page.get_by_test_id("stProgress")).to_have_count(0)


def centre_shows_its_members(page: Page) -> None:
    """Choose a centre by its number, then another by a click on the map."""
    page.get_by_role("spinbutton", name="Centre").fill("3")
    page.get_by_role("spinbutton", name="Centre").press("Enter")
    members = page.get_by_text("members · radius")
    expect(members).to_be_visible()
    expect(page.get_by_text("with their Linf distance in pixels")).to_be_visible()
    assert "lab.centre=3" in page.url
    drawn = page.locator(".st-key-lab-map .js-plotly-plot")
    expect(drawn).to_have_count(1)  # the map as it was stays beside the new one for a moment
    lit = drawn.evaluate("plot => plot._fullData.find(trace => trace.name === 'members').customdata.map(d => d[0])")
    assert lit and set(lit) == {3}
    text = members.inner_text()
    page.locator(".st-key-lab-map g.trace").last.locator("path.point").nth(50).click(force=True)
    expect(members).not_to_have_text(text)


def map_saves_as_svg(page: Page) -> None:
    """The camera of the map writes every point that is drawn."""
    plot = page.locator(".st-key-lab-map .js-plotly-plot")
    expect(plot).to_have_count(1)
    drawn = plot.locator("g.trace path.point").count()
    plot.hover()
    with page.expect_download() as download:
        plot.locator(".modebar-btn").last.click()
    assert download.value.suggested_filename.endswith("-map.svg")
    root = ElementTree.parse(download.value.path()).getroot()
    points = [part for part in root.iter("{http://www.w3.org/2000/svg}path") if "point" in part.get("class", "")]
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and len(points) == drawn > 100


def test_a_link_reproduces_the_form(visit) -> None:
    page = visit(
        "/lab?lab.method=k-center&lab.method.ipc=7&lab.norm=L2&lab.eps=0.8&lab.training=standard&lab.training.epochs=12"
    )
    expect(page.get_by_role("spinbutton", name="Images per class")).to_have_value("7")
    expect(page.get_by_role("slider", name="Attack budget")).to_have_value("0.8")
    expect(page.get_by_role("combobox", name="Method")).to_have_value(METHODS["k-center"].title)
    page.get_by_role("spinbutton", name="Images per class").fill("9")
    page.get_by_role("spinbutton", name="Images per class").press("Enter")
    page.wait_for_url("**lab.method.ipc=9**")
    assert "lab.method=k-center" in page.url


def test_eps_slider_moves_by_key_and_follows_the_data_set_until_it_is_touched(visit) -> None:
    page = visit("/lab")
    slider = page.get_by_role("slider", name="Attack budget")
    expect(slider).to_have_value("0.1")
    page.goto(page.url + "?lab.data.name=cifar10")
    expect(slider).to_have_value("8")
    expect(page.get_by_text("8/255", exact=True)).to_be_visible()
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_url("**lab.eps=9**")
