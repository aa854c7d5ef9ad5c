"""Play in a real browser: it moves by itself, follows the hand in the same frame, and lives in its link."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from core import api

pytestmark = pytest.mark.browser
STILL = "/?play.method=random"
FOUR = "MzMzEAEzTMzMxv_szQ"  # two blue and two orange
APP = "play => play.getRootNode().app"


def ask(page: Page, expression: str, value: object = None) -> object:
    """Evaluate with `app`, the running App, and `value` in scope."""
    return page.locator(".play").evaluate(
        f"(play, value) => {{ const app = ({APP})(play); return {expression}; }}", value
    )


def picture(page: Page) -> Locator:
    return page.locator("canvas.picture")


def at_rest(page: Page) -> None:
    """Wait until nothing is left to compute or to draw."""
    page.wait_for_function("""() => [...document.querySelectorAll("*")].some(
      (e) => e.shadowRoot?.app && e.shadowRoot.app.frames && !e.shadowRoot.app.frame && !e.shadowRoot.app.pending())""")


def number(page: Page, name: str) -> str:
    return page.locator(".number", has_text=name).inner_text()


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the unit square is on the screen."""
    box = picture(page).bounding_box()
    return box["x"] + ask(page, "app.plane.toX(value)", x), box["y"] + ask(page, "app.plane.toY(value)", y)


def test_the_first_page_moves_by_itself(visit) -> None:
    page = visit("/")
    expect(page.get_by_role("heading", name="How much robustness survives")).to_be_visible()
    first = picture(page).evaluate("canvas => canvas.toDataURL()")
    page.wait_for_function(
        """first => [...document.querySelectorAll("*")].some(
      (e) => e.shadowRoot?.app && e.shadowRoot.querySelector("canvas.picture").toDataURL() !== first)""",
        arg=first,
    )
    expect(page.locator(".note")).to_contain_text("of 400")
    for part in ("PGD-20", "L∞", "ε 0.050", "of 200", "95 %"):
        expect(page.locator(".number.robust")).to_contain_text(part)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_url("**play.at=**")
    at_rest(page)


def test_eps_changes_the_robust_number_in_the_same_frame(visit) -> None:
    page = visit(STILL)
    at_rest(page)
    before = number(page, "Robust")
    now = page.locator("[name=eps]").evaluate("""async (slider) => {
      slider.value = 0.2;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise(requestAnimationFrame);
      return slider.getRootNode().querySelector(".number.robust").innerText; }""")
    assert "ε 0.200" in now and now != before
    assert float(now.split("%")[0].split()[-1]) < float(before.split("%")[0].split()[-1])
    page.wait_for_url("**play.eps=0.2**")


def test_a_link_restores_what_was_set_and_drawn(visit, context) -> None:
    page = visit("/?play.method=cover&play.k=3&play.data=blobs")
    at_rest(page)
    page.get_by_role("radio", name="L2").check()
    page.get_by_role("radio", name="Nearest").check()
    at_rest(page)
    x, y = ask(page, "Array.from(app.train.xy.slice(0, 2))")
    page.mouse.move(*place(page, x, y))
    page.mouse.down()
    page.mouse.move(*place(page, 0.5, 0.5), steps=4)
    page.mouse.up()
    page.wait_for_url("**play.points=**")
    at_rest(page)
    moved = ask(page, "Array.from(app.train.xy.slice(0, 2))")
    assert moved == pytest.approx([0.5, 0.5], abs=0.01)
    expect(page.locator(".note")).to_contain_text("proven smallest")

    other = context.new_page()
    other.goto(page.url)
    other.wait_for_selector("canvas.picture")
    at_rest(other)
    assert ask(other, "Array.from(app.train.xy.slice(0, 2))") == moved
    for name in ("Clean", "Robust"):
        assert number(other, name) == number(page, name)
    assert other.locator(".note").inner_text() == page.locator(".note").inner_text()
    assert other.locator("[name=model][value=nearest]").is_checked()
    expect(other.get_by_text("Proven for any attack")).to_be_visible()


def test_points_are_moved_added_and_deleted_by_keyboard(visit) -> None:
    page = visit(STILL + "&play.data=own&play.points=" + FOUR)
    at_rest(page)
    picture(page).focus()
    page.keyboard.press("n")
    expect(picture(page)).to_have_attribute("aria-label", re.compile("Chosen: point 1"))
    before = ask(page, "app.train.xy[0]")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => [...document.querySelectorAll('*')].some((e) => e.shadowRoot?.app?.train.xy[0] > before)", arg=before
    )
    page.keyboard.press("a")
    expect(picture(page)).to_have_attribute("aria-label", re.compile("5 train points"))
    page.keyboard.press("Delete")
    expect(picture(page)).to_have_attribute("aria-label", re.compile("4 train points"))
    expect(page.locator(".description")).to_contain_text("points of your own")


def test_points_are_drawn_by_hand(visit) -> None:
    page = visit(STILL)
    page.get_by_role("radio", name="Draw").check()
    page.get_by_role("button", name="Clear the plane").click()
    expect(page.get_by_text("Click to add points")).to_be_visible()
    for colour, corner in (("blue circle", 0.2), ("orange square", 0.8)):
        page.get_by_role("button", name=colour).click()
        for step in (0.0, 0.06):
            page.mouse.click(*place(page, corner + step, corner))
    expect(page.locator(".number.clean")).to_contain_text("4 of 4")
    page.mouse.click(*place(page, 0.2, 0.2), button="right")
    expect(page.locator(".number.clean")).to_contain_text("of 3")


def test_less_motion_when_it_is_asked_for(chromium, server) -> None:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("canvas.picture")
    at_rest(page)
    expect(page.locator(".note")).to_have_text("step 0 of 400")
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.locator(".note")).to_contain_text("step 1 of 400")
    context.close()


def test_the_lab_gets_the_points_and_the_settings(visit) -> None:
    page = visit("/?play.method=cover&play.k=2&play.norm=L2&play.eps=0.04&play.training=adversarial")
    at_rest(page)
    page.get_by_role("button", name="Open in the Lab").click()
    page.wait_for_url("**/lab?**run=**")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("combobox", name="Method")).to_have_value(api.METHODS["mfc"].title)
    expect(page.get_by_text("--method-norm L2").or_(page.get_by_text("--norm L2")).first).to_be_visible()


@pytest.mark.parametrize("query", [STILL, "/?play.method=cover&play.model=nearest&play.data=own"])
def test_play_passes_axe(visit, page: Page, query: str) -> None:
    visit(query)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)  # colours fade over
        at_rest(page)
        found = Axe().run(page).response["violations"]
        assert not found, [
            (scheme, rule["id"], [(node["target"], node["failureSummary"]) for node in rule["nodes"]]) for rule in found
        ]


def test_small_screens_show_the_picture_first_and_do_not_scroll_sideways(visit, page: Page) -> None:
    visit(STILL)
    for width, height in ((1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
        at_rest(page)
        box = picture(page).bounding_box()
        assert box["y"] < height / 2 and box["x"] >= 0 and box["x"] + box["width"] <= width
