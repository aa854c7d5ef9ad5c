"""A bundle is done again, and what differs is said; what is no bundle is refused in a sentence."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.api import reproducing, work
from core.errors import DataError, RunError
from core.types import RunRecord

RESULT = {
    "clean_acc": 0.8, "clean_interval": [0.7, 0.9], "robust_acc": 0.4, "interval": [0.3, 0.5], "data_hash": "x",
}  # fmt: skip


def bundle(path: Path, **changes: Any) -> Path:
    record = {
        "kind": "run",
        "name": "n",
        "config": {"seed": 1},
        "result": RESULT,
        "versions": {"torch": "2"},
        **changes,
    }
    with zipfile.ZipFile(path / "run.zip", "w") as file:
        file.writestr("record.json", json.dumps(record))
    return path / "run.zip"


def again(monkeypatch: pytest.MonkeyPatch, status: str = "done", **found: Any) -> None:
    def here(kind: str, config: dict, **more: Any) -> RunRecord:
        assert (kind, config) == ("run", {"seed": 1})
        return RunRecord(
            id="new", kind="run", name="", status=status, config=config, created=0.0, result={**RESULT, **found},
            versions={"torch": "3"}, error="no memory",
        )  # fmt: skip

    monkeypatch.setattr(work, "here", here)


@pytest.mark.parametrize(
    ("clean", "robust", "verdicts"),
    [(0.8, 0.4, ["equal", "equal"]), (0.9, 0.31, ["within interval"] * 2), (0.69, 0.51, ["different"] * 2)],
)
def test_each_number_is_equal_within_its_interval_or_different(tmp_path, monkeypatch, clean, robust, verdicts):
    again(monkeypatch, clean_acc=clean, robust_acc=robust, clean_interval=[0, 1], interval=[0, 1])
    found = reproducing.reproduce(bundle(tmp_path))
    assert [one.verdict for one in found.numbers] == verdicts and found.run == "new"
    assert [one.before for one in found.numbers] == [0.8, 0.4]


def test_other_data_and_other_versions_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    again(monkeypatch, data_hash="y")
    notes = " ".join(reproducing.reproduce(bundle(tmp_path)).notes)
    assert "another hash" in notes and "torch 2 then, 3 now" in notes


def test_what_is_no_bundle_of_a_finished_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    again(monkeypatch, status="failed")
    with pytest.raises(RunError, match="no memory"):
        reproducing.reproduce(bundle(tmp_path))
    for changes, said in (({"kind": "cover"}, "no whole run"), ({"result": {}}, "no accuracies")):
        with pytest.raises(DataError, match=said):
            reproducing.reproduce(bundle(tmp_path, **changes))
    (tmp_path / "text.zip").write_text("x")
    for name in ("text.zip", "missing.zip"):
        with pytest.raises(DataError, match="no bundle of a run"):
            reproducing.reproduce(tmp_path / name)
