"""What is refused is said in one sentence, and the page keeps what it showed."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import api
from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = "the queue is full: wait for a run to end"
ASKED = {
    "lab": ("lab.run", api, "submit"),
    "attack": ("attack.go", api, "submit_attack"),
    "audit": ("audit.go", api, "submit_audit"),
    "kernel": ("kernel.go", api, "submit_width"),
    "study": ("study.begin", api.study, "begin"),
}


@pytest.mark.parametrize("page", ASKED)
def test_a_page_keeps_what_it_showed(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    button, place, name = ASKED[page]

    def refuse(*_: object, **__: object) -> None:
        raise ConfigError(SENTENCE)

    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setattr(api, "ensure_workers", lambda: None)
    monkeypatch.setattr(place, name, refuse)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run().switch_page(f"pages/{page}.py").run()
    shown = [element.value for kind in (app.title, app.header, app.metric) for element in kind]
    assert len(shown) > 2 and not app.error and not app.exception
    app.button(key=button).click().run()
    assert [error.value for error in app.error] == [SENTENCE] and not app.exception
    assert [element.value for kind in (app.title, app.header, app.metric) for element in kind] == shown
