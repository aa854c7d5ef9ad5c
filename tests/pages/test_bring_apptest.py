"""Bring a set in the Lab: look at it, answer what black and white are, use it in the form."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import api
from core.api import queue, workplace
from core.engine.inline import InlineExecutor
from core.jobs.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    monkeypatch.setattr(queue, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    yield tmp_path
    workplace.close()


def test_a_normalised_set_is_looked_at_confirmed_and_used(home: Path):
    x = np.random.default_rng(0).random((20, 1, 8, 8), np.float32)
    torch.save({"data": [[torch.tensor(2 * x - 1), torch.arange(20) % 10]]}, home / "set.pt")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/lab.py").run()
    assert not any("Bring a set" in text.value for text in app.markdown)
    app.selectbox(key="lab.method").set_value("imported").run()
    app.segmented_control(key="lab.bring.way").set_value("Path").run()
    app.text_input(key="lab.bring.path").set_value(str(home / "set.pt")).run()
    app.button(key="lab.bring.look").click().run()
    assert not app.exception and not app.error
    assert any("no mean and deviation that is known" in text.value or "confirm" in text.value for text in app.warning)
    app.text_input(key="lab.bring.answer").set_value("-1:1")
    next(button for button in app.button if button.label == "Read it so").click().run()
    assert any("20 images, 2 a class, one class an image" in text.value for text in app.markdown)
    app.button(key="lab.bring.use").click().run()
    assert not app.exception and not app.error
    taken = api.bring.looked(api.bring.settings(*_asked(home)))
    assert app.selectbox(key="lab.method.set").value == taken.id and app.number_input(key="lab.method.ipc").value == 2


def packed(form: str) -> bytes:
    """Two images a class of digits, whole bytes, in a file of this form."""
    x, y = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8), np.arange(20) % 10
    out = io.BytesIO()
    if form == "npz":
        np.savez(out, images=x, labels=y)
    elif form == "zip":
        with zipfile.ZipFile(out, "w") as file:
            for row, (image, label) in enumerate(zip(x, y, strict=True)):
                Image.fromarray(image).save(held := io.BytesIO(), "PNG")
                file.writestr(f"{label}/{row}.png", held.getvalue())
    else:
        images = torch.tensor(x[:, None] / np.float32(255))
        torch.save([images, torch.tensor(y)] if form == "pt" else images, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("set.npz", "npz", "20 images, 2 a class"), ("set.zip", "zip", "20 images, 2 a class"),
        ("set.pth", "pt", "20 images, 2 a class"), ("images_best.pt", "half", "give images and labels together"),
    ],
)  # fmt: skip
def test_every_form_of_one_file_is_taken_as_an_upload(name: str, form: str, said: str, home: Path):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.switch_page("pages/lab.py").run()
    app.selectbox(key="lab.method").set_value("imported").run()
    app.file_uploader(key="lab.bring.file").upload(name, packed(form)).run()
    app.button(key="lab.bring.send").click().run()
    assert not app.exception and not app.error
    assert any(said in text.value for text in (*app.markdown, *app.warning))


def _asked(home: Path):
    data = {"name": "digits"}
    return data, {"set": str(home / "set.pt"), "set_range": "-1:1", "clip": True}
