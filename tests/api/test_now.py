"""One line from Python: the same bytes as a run, the promises of the four arrows, and the lines of docs/python.md."""

import re
from pathlib import Path

import numpy as np
import pytest

from core.api import condense_now, evaluate_now, load_now, train_now
from core.api.now import METHODS
from core.errors import ConfigError, DataError
from core.events import Progress, drive
from core.settings.run import NetworkChoice

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
LINES = re.findall(r"```python\n(.*?)```", DOCS, re.S)


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def digits():
    return load_now("digits", limit=20)


@pytest.mark.parametrize("method", ["random", "mfc", "kip"])
def test_a_set_condensed_at_once_is_that_of_the_method_itself(digits, method: str):
    options = {"ipc": 2, "steps": 3} if method == "kip" else {"ipc": 2}
    row, events = METHODS[method], []
    found = condense_now(digits, method=method, seed=4, on_event=events.append, **options)
    same = drive(row.condense(digits.train, row.Config(**options), n_classes=10, seed=4, device="cpu"))
    assert found.hash == same.hash and found.method == method and len(found) == 20
    assert events and all(isinstance(event, Progress) for event in events)
    assert condense_now(digits, method=method, seed=5, **options).hash != found.hash or method == "mfc"


def test_a_set_is_begun_from_another_and_features_are_read_from_a_network(digits):
    first = condense_now(digits, method="random", ipc=2)
    begun = condense_now(digits, method="kip", ipc=2, steps=0, start=first)
    np.testing.assert_array_equal(begun.x, first.x)
    model = train_now(digits, first, network="mlp", epochs=2)
    moved = condense_now(digits, method="relabelled-det", ipc=2, steps=2, source=model)
    assert len(moved) == 20 and not np.array_equal(moved.x, first.x)


def test_training_and_judging_at_once(digits):
    condensed = condense_now(digits, method="random", ipc=10)
    network = NetworkChoice.of("mlp", width=32, depth=1)
    model = train_now(digits, condensed, training="adversarial", network=network, eps=0.1, epochs=20, seed=1)
    again = train_now(digits, condensed, training="adversarial", network=network, eps=0.1, epochs=20, seed=1)
    assert all(np.array_equal(array, again.state[name]) for name, array in model.state.items())
    assert (model.kept, model.epoch, model.options["width"]) == ("last", 20, 32)
    report = evaluate_now(digits, model, eps=0.05, images=50, curve_points=0)
    assert report.robust.images == 50 and 0.2 < report.robust.value <= report.clean.value
    assert evaluate_now(digits, model, eps=0.0, images=50, curve_points=0).robust.value == report.clean.value


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda d: condense_now(d, method="nothing"), ConfigError, "no method called 'nothing'"),
        (lambda d: condense_now(d, method="random", size=3), ConfigError, "size is not a setting here"),
        (lambda d: condense_now(d, method="kip", start="some-run"), ConfigError, "start is the set or network itself"),
        (lambda d: condense_now("nowhere", method="random"), DataError, "no data set 'nowhere'"),
        (lambda d: train_now(d, condense_now(d, method="random"), keep="best"), ConfigError, "leave keep at last"),
        (lambda d: train_now(d, condense_now(d, method="random"), network="nothing"), ConfigError, "no network called"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(digits, call, kind: type[Exception], words: str):
    with pytest.raises(kind, match=words):
        call(digits)


def test_the_lines_of_the_document_run(capsys: pytest.CaptureFixture):
    assert LINES[0].startswith("from core.api import")  # the others are runs of the store: tests/test_docs.py
    exec(compile(LINES[0], "docs/python.md", "exec"), {})
    assert 0.3 < float(capsys.readouterr().out.split()[0]) < 1
