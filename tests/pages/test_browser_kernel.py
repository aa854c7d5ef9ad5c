"""From network to kernel in a real browser, with a real worker behind the page."""

import csv
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
SLOW = 240_000  # ms, for a worker that first imports everything on a busy machine
RUN = {
    "data": {"name": "digits"},
    "method": {"name": "adv-kip", "options": {"ipc": 3, "steps": 30, "batch": 50, "depth": 2}},
    "network": {"name": "mlp", "options": {"width": 16}},
    "training": {"name": "standard", "options": {"epochs": 3}},
    "evaluation": {"eps": 0.1, "images": 20, "attack_steps": 5, "curve_points": 2, "curve_images": 9, "live_images": 0},
}


@pytest.fixture(scope="module")
def run_id(server) -> str:
    return server.finished(RUN, "learned")


def saved(page: Page, chart: str, kind: str) -> bytes:
    """What the button below a chart saves."""
    with page.expect_download() as download:
        page.locator(f".st-key-kernel-{chart}-as-file").get_by_role("button", name=kind).click()
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(download.value.path()).read_bytes()


def test_compare_widths_up_to_the_kernel(visit, server, run_id: str) -> None:
    page = visit(f"/kernel?kernel.run={run_id}&kernel.images=30&kernel.epochs=20")
    expect(page.get_by_text("No network was trained on these images yet")).to_be_visible()
    slider = page.get_by_role("slider", name="Step")
    expect(page.get_by_text("Step 30", exact=True)).to_be_visible()
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("Step 0", exact=True)).to_be_visible()
    page.get_by_role("button", name="Compare widths", exact=True).click()
    expect(page.get_by_role("button", name="Cancel").first).to_be_visible()
    expect(page.get_by_role("heading", name="What to believe")).to_be_visible(timeout=SLOW)
    for words in ("From network to kernel", "Kernel spectrum"):
        expect(page.get_by_role("heading", name=words)).to_be_visible()
    conditions = re.compile(r"FGSM, Linf, ε 0.1 · PGD-20, .* 30 test images · 95 % intervals")
    expect(page.get_by_text(conditions)).to_be_visible()
    expect(page.get_by_text(re.compile("FC-2 NTK on 30 support images"))).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    for index in range(2):  # the curve and the spectrum: PNG at once, CSV from the data
        page.get_by_test_id("stVegaLiteChart").nth(index).hover()
        for words in ("Download as PNG", "Show data"):
            expect(page.get_by_role("button", name=words).nth(index)).to_be_attached()
    for name, title, word in (("curve", "Accuracy against width", "strong attack"),
                              ("spectrum", "eigenvalues of the kernel matrix", "rank of the eigenvalue")):  # fmt: skip
        root = ElementTree.fromstring(saved(page, name, "SVG"))
        assert root[0].tag.endswith("}title") and title in root[0].text
        assert word in [part.text for part in root.iter("{http://www.w3.org/2000/svg}text")]
    rows = list(csv.DictReader(saved(page, "spectrum", "CSV").decode().splitlines()))
    assert len(rows) == 30 and float(rows[0]["value"]) >= float(rows[-1]["value"]) > 0
    if hasattr(psutil.Process, "memory_maps"):  # what draws an SVG is large and stays out of the page process
        assert not [m.path for m in psutil.Process(server.process.pid).memory_maps() if "vl_convert" in m.path]
    for words in ("Download images", "Download difference"):
        expect(page.get_by_role("button", name=words)).to_be_visible()
    page.mouse.move(900, 300)  # away from the button, whose tooltip lies outside all landmarks
    expect(page.get_by_role("tooltip")).to_have_count(0)
    if folder := os.environ.get("BALLAST_SHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(1500)
            page.set_viewport_size({"width": 1400, "height": 3000})
            page.screenshot(path=str(Path(folder) / f"kernel-{scheme}.png"))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
