"""Data sets in a real browser: look at the included one, upload MNIST, and be told what is wrong with a bad file."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
MNIST = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mnist.npz"
SLOW = 240_000


def test_preview_of_digits(visit) -> None:
    page = visit("/data")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_alt_text("Some train images of each class")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stMetric").filter(has_text="Classes")).to_contain_text("10")
    expect(page.get_by_text("17 grey levels")).to_be_visible()


def test_bad_upload_is_one_sentence(visit, tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x_train=np.zeros((4, 8, 8), np.uint8))
    page = visit("/data")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.npz")
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("y_train", timeout=SLOW)
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.skipif(not MNIST.exists(), reason=f"{MNIST} is not here")
def test_mnist_by_upload_to_finished_run(visit) -> None:
    page = visit("/data")
    page.get_by_role("radio", name="Upload").click()
    page.locator("input[type=file]").set_input_files(MNIST)
    page.get_by_role("button", name="Load", exact=True).click()
    expect(page.get_by_test_id("stMetric").filter(has_text="Train images")).to_contain_text("60,000", timeout=SLOW)
    page.get_by_role("button", name="Use in the Lab").click()
    limit = page.get_by_role("spinbutton", name="Limit")
    limit.fill("1")  # ten images: of so few the map costs nothing
    limit.press("Enter")
    page.wait_for_url("**lab.data.limit=1**")
    page.goto(
        page.url + "&lab.method=random&lab.method.ipc=1&lab.training=standard&lab.training.epochs=3"
        "&lab.evaluation.attack_steps=5&lab.evaluation.images=50&lab.evaluation.curve_images=20"
    )
    expect(page.get_by_role("spinbutton", name="Images per class")).to_have_value("1")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**run=*")
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stMetric").filter(has_text="Condensed images")).to_contain_text("10")
