"""Learn in a real browser: predict, lock, reveal; the link, the projector, small screens."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.ui.learn import lessons, stored

pytestmark = pytest.mark.browser
LESSONS = lessons.read()


def lock(page: Page, choice: int) -> None:
    page.locator(".answers input").nth(choice).check()
    page.get_by_role("button", name="Lock my answer").click()


def revealed(page: Page) -> str:
    expect(page.locator(".answers label.true")).to_have_count(1, timeout=120_000)
    return page.locator(".revealed").inner_text()


def test_nothing_is_revealed_before_the_answer_is_locked(visit) -> None:
    page = visit("/learn")
    button = page.get_by_role("button", name="Lock my answer")
    expect(page.get_by_role("heading", name=LESSONS[0].title)).to_be_visible()
    expect(page.locator(".number.robust")).to_contain_text("of 200")
    expect(button).to_be_disabled()
    for hidden in (".controls", ".curve", ".formula", "[data-do=lab]"):
        expect(page.locator(hidden)).to_be_hidden()
    slider = page.locator(".eps input")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "0"  # out of reach while the question is open
    page.locator(".answers input").nth(1).check()
    expect(page.locator(".revealed")).to_be_empty()
    expect(page.locator(".answers label.true")).to_have_count(0)
    button.click()
    assert "of 200" in revealed(page) and "PGD-20" in revealed(page)
    expect(page.locator(".answers input").first).to_be_disabled()
    expect(page.locator(".controls")).to_be_visible()
    expect(page.locator(".curve")).to_be_visible()
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() != before  # and within it afterwards


def test_the_true_choice_is_the_one_the_measured_numbers_fall_into(visit) -> None:
    page = visit("/learn?learn.lesson=1")
    for number, lesson in enumerate(LESSONS, 1):
        expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
        truly_judged(page, lesson)
        if number < len(LESSONS):
            page.get_by_role("button", name="Next").click()


def truly_judged(page: Page, lesson: lessons.Lesson) -> None:
    """Lock the first choice, and hold what is then marked and told against the numbers that were measured."""
    if lesson.stored:  # what is asked is not on the page before the answer is locked
        expect(page.locator(".accuracies strong")).to_have_count(2)
        expect(page.locator(".accuracies strong").last).to_have_text("?")
    lock(page, 0)
    text = revealed(page)
    course = page.locator(".learn").evaluate(
        "part => { const { before, after } = part.getRootNode().course; return { before, after }; }"
    )
    before, after = (course[part]["share"] for part in ("before", "after"))
    value = {
        "share": after, "loss": before - after, "gain": after - before, "more": after - before,
        "shrinks": 1 - after / before,
    }[lesson.read]  # fmt: skip
    true = next(
        i for i, choice in enumerate(lesson.choices)
        if (choice.below is None or value < choice.below) and (choice.at_least is None or value >= choice.at_least)
    )  # fmt: skip
    marked = page.locator(".answers label")
    assert [("true" in marked.nth(i).get_attribute("class").split()) for i in range(len(lesson.choices))] == [
        i == true for i in range(len(lesson.choices))
    ]
    assert ("You saw it coming" in text) == (true == 0)
    assert str(course["after"]["count"]) in text and "{" not in text
    if lesson.stored:
        bars = stored.told(lesson.stored)["bars"]
        assert (before, after) == (bars[0]["share"], bars[-1]["share"])
        shown = page.locator(".accuracies strong").all_inner_texts()
        assert shown == [f"{100 * bar['share']:.1f} %" for bar in sorted(bars, key=lambda bar: -bar["share"])]
        expect(page.locator(".stored code")).not_to_be_empty()
        return
    if lesson.measure in ("clean", "robust"):
        shown = page.locator(f".number.{lesson.measure}").inner_text()
        assert f"{course['after']['count']} of {course['after']['n']}" in shown  # the plane shows what is told


def test_answer_and_lesson_live_in_the_link(visit, context) -> None:
    page = visit("/learn?learn.lesson=4")
    lock(page, 2)
    text = revealed(page)
    assert "learn.lesson=4" in page.url and "learn.choice=2" in page.url and "learn.locked=1" in page.url
    second = context.new_page()
    second.goto(page.url)
    assert revealed(second) == text
    expect(second.locator(".answers input").nth(2)).to_be_checked()
    second.get_by_role("button", name="Next").click()
    expect(second.get_by_role("heading", name=LESSONS[4].title)).to_be_visible()
    expect(second.locator(".answers label.true")).to_have_count(0)
    assert "learn.locked" not in second.url


def test_a_link_to_rubbish_is_the_first_or_the_last_lesson(visit) -> None:
    page = visit("/learn?learn.lesson=99&learn.choice=7&learn.locked=1")
    expect(page.get_by_role("heading", name=LESSONS[7].title)).to_be_visible()
    expect(page.get_by_role("button", name="Lock my answer")).to_be_disabled()
    page = visit("/learn?learn.lesson=x")
    expect(page.get_by_role("heading", name=LESSONS[0].title)).to_be_visible()


def test_arrows_leaf_on_a_projector_and_type_is_large(visit) -> None:
    page = visit("/learn")
    expect(page.get_by_role("heading", name=LESSONS[0].title)).to_be_visible()
    small = page.locator(".lesson h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name=LESSONS[0].title)).to_be_visible()  # only where it was asked for
    page = visit("/learn?present=1")
    expect(page.get_by_role("heading", name=LESSONS[0].title)).to_be_visible()
    assert page.locator(".lesson h1").evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 1.3 * small
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=LESSONS[number].title)).to_be_visible()
    assert "present=1" in page.url
    lock(page, 0)
    revealed(page)
    expect(page.locator(".controls")).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_it_fits_the_screen_and_passes_axe(visit, page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    visit("/learn?learn.lesson=2")
    expect(page.get_by_role("heading", name=LESSONS[1].title)).to_be_visible()
    expect(page.locator(".number.robust")).to_contain_text(re.compile("of 200"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(700)  # colours fade over
        assert [(scheme, rule["id"]) for rule in Axe().run(page).response["violations"]] == []
