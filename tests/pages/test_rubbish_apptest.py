"""Rubbish typed into every field of every page, and pressed on: at worst one sentence, never a traceback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.types import DataConfig
from core.ui import navigation

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "data": {"name": "digits", "limit": 12}, "method": {"name": "random", "options": {"ipc": 2}},
    "network": {"name": "mlp", "options": {"width": 16}}, "training": {"name": "standard", "options": {"epochs": 2}},
    "evaluation": {"eps": 0.1, "images": 20, "attack_steps": 2, "curve_points": 2, "curve_images": 9, "live_images": 0},
}  # fmt: skip
TEXTS = (
    "x" * 300, "/tmp/" + "y" * 300 + ".npz", "a\0b", "![](http://evil.example/x.png)", "../../etc/passwd", "=1+1",
    "nan", "-1", "1e999", "']); DROP TABLE runs; --", "<script>alert(1)</script>", "   ", "0.1, 0.2, x", ",,,", "٣",
    "\u202e",
    "~nobody-of-this-name", "{}", "10" * 40,
)  # fmt: skip
NUMBERS = (-1, 0, 1, 7, 10**6, 10**12, 2**53, -0.5, 1e-12, 1e20)  # a browser sends no NaN from a field
ROUNDS = 7
NAMED = ("run", "job", "study")
FIELDS = ("run", "seed", "eps", "norm", "method", "data.name", "data.limit", "method.ipc", "method.radius", "images")
QUIET = {
    "runs.delete",
    "runs.confirm",
    "study.begin",
    "study.go",
    "runs.open",
}  # these leave the page


@pytest.fixture(scope="module", autouse=True)
def home(alone: pytest.MonkeyPatch) -> Iterator[None]:
    """A home with a finished run and a described data set, and nobody who works."""
    assert api.here("run", RUN, name="small").status == "done"
    assert api.here("data", DataConfig(name="digits").model_dump(mode="json")).status == "done"
    yield


def opened(entry: navigation.Entry) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    return app.switch_page(entry.file).run()


def fine(app: AppTest, done: Any) -> None:
    assert not app.exception, (done, [(e.value, e.stack_trace[-2:]) for e in app.exception])
    for sentence in app.error:
        assert len(sentence.value) < 1500 and "Traceback" not in sentence.value, (done, sentence.value)


def press(app: AppTest, done: Any) -> None:
    """Press every button of the page that stays on it."""
    for key in [button.key for button in app.button if button.key and button.key not in QUIET]:
        if any(button.key == key and not button.disabled for button in app.button):
            app.button(key=key).click().run()
            fine(app, (done, key))


@pytest.mark.parametrize("entry", navigation.ENTRIES, ids=lambda entry: entry.url)
def test_rubbish_is_at_worst_one_sentence(entry: navigation.Entry):
    for round_ in range(ROUNDS):
        app = opened(entry)
        fine(app, "opened")
        if entry is navigation.DATA:
            app.segmented_control(key="data.way").set_value("Path").run()
        typed = [TEXTS[(ROUNDS * place + round_) % len(TEXTS)] for place in range(len(app.text_input))]
        for field, text in zip(app.text_input, typed, strict=True):
            field.set_value(text)
        fine(app.run(), typed)
        numbers = [NUMBERS[(place + round_) % len(NUMBERS)] for place in range(len(app.number_input))]
        for field, number in zip(app.number_input, numbers, strict=True):
            field.set_value(number)
        fine(app.run(), numbers)
        if round_ % 3 == 0:
            press(app, (typed, numbers))
        if not typed and not numbers:
            break  # another round would be the same


@pytest.mark.parametrize("entry", navigation.ENTRIES, ids=lambda entry: entry.url)
def test_rubbish_in_the_address_is_at_worst_one_sentence(entry: navigation.Entry):
    for text in (*TEXTS[:4], "nan"):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name in (*NAMED, *(f"{entry.url}.{name}" for name in FIELDS)):
            app.query_params[name] = text
        fine(app.run().switch_page(entry.file).run(), text)
