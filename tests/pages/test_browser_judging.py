"""Attack and audit a finished run in a real browser, with a real worker behind the pages."""

import re

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from torch import nn

pytestmark = pytest.mark.browser
SLOW = 240_000  # ms, for a worker that first imports everything on a busy machine
RUN = {
    "data": {"name": "digits"},
    "method": {"name": "random", "options": {"ipc": 10}},
    "network": {"name": "mlp", "options": {"width": 32}},
    "training": {"name": "standard", "options": {"epochs": 10}},
    "evaluation": {"eps": 0.1, "images": 50, "attack_steps": 10, "curve_points": 4, "curve_images": 50,
                   "live_images": 0},
}  # fmt: skip


@pytest.fixture(scope="module")
def run_id(server) -> str:
    return server.finished(RUN, "for judging")


def no_violations(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_attack_step_by_step(visit, run_id: str) -> None:
    page = visit(f"/attack?attack.run={run_id}&attack.steps=6")
    page.get_by_role("button", name="Attack", exact=True).click()
    expect(page.get_by_text("Fooled", exact=True)).to_be_visible(timeout=SLOW)
    expect(page.get_by_text(re.compile("PGD-6 · Linf · ε 0.1 · .* 10 test images · seed 0"))).to_be_visible()
    expect(page.get_by_alt_text(re.compile("Three rows: clean images"))).to_be_visible()
    slider = page.get_by_role("slider", name="Moment of the attack")
    attacked = page.get_by_text("Attacked: ")
    expect(attacked).to_be_visible()
    slider.focus()
    for _ in range(7):
        slider.press("ArrowLeft")
    expect(page.get_by_text("clean", exact=True).first).to_be_visible()
    expect(attacked).to_contain_text(page.get_by_text("Clean: ").inner_text().removeprefix("Clean: ")[:6])
    page.get_by_role("slider", name="Attack budget").focus()
    page.get_by_role("slider", name="Attack budget").press("ArrowRight")
    expect(page.get_by_text(re.compile("PGD-6 · Linf · ε 0.11"))).to_be_visible(timeout=SLOW)
    no_violations(page)


def test_evaluate_and_audit(visit, run_id: str) -> None:
    page = visit(
        f"/audit?audit.run={run_id}&audit.evaluation.images=20&audit.evaluation.curve_points=2"
        "&audit.audit.images=20&audit.audit.steps=20&audit.audit.queries=100"
    )
    expect(page.get_by_text("audit: not run").first).to_be_visible()
    page.get_by_role("button", name="Evaluate", exact=True).click()
    page.get_by_role("button", name="Audit", exact=True).click()
    expect(page.get_by_role("button", name="Cancel").first).to_be_visible()
    expect(page.get_by_text(re.compile("audit: (trusted|doubtful)")).first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("AutoAttack, Linf, ε 0.1").first).to_be_visible(timeout=SLOW)
    for words in ("Deterministic", "Black box", "Passes when the last iterate leaves", "What each attack did"):
        expect(page.get_by_text(words).first).to_be_visible()
    assert page.get_by_text(re.compile("^(✓ pass|! warn|✕ fail)$")).count() >= 15
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    page.mouse.move(900, 300)  # away from the button, whose tooltip lies outside all landmarks
    expect(page.get_by_role("tooltip")).to_have_count(0)
    no_violations(page)


def test_weights_are_uploaded_understood_and_attacked(visit, tmp_path) -> None:
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    torch.save(theirs.state_dict(), tmp_path / "theirs.pt")
    page = visit("/attack")
    page.get_by_text("Bring a network").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "theirs.pt")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("mlp with width 8, depth 1, as the shapes of its tensors tell")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_text(re.compile("theirs.pt.* is in the list: clean"))).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Attack it").click()
    expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile("theirs.pt"))
    page.get_by_role("button", name="Attack", exact=True).click()
    expect(page.get_by_text("Fooled", exact=True)).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stException")).to_have_count(0)
