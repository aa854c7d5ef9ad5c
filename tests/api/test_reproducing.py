"""A run or a study is done again, and what differs is said; what is no bundle is refused in a sentence."""

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import api
from core.api import reproducing, work, workplace
from core.engine.inline import InlineExecutor
from core.errors import DataError, RunError
from core.jobs.kinds import KINDS
from core.types import EventRow, RunRecord

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
    found = reproducing.run_again(reproducing.read(bundle(tmp_path)))
    assert [one.verdict for one in found.numbers] == verdicts and found.run == "new"
    assert [one.before for one in found.numbers] == [0.8, 0.4]


def test_other_data_and_other_versions_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    again(monkeypatch, data_hash="y")
    notes = " ".join(reproducing.run_again(reproducing.read(bundle(tmp_path))).notes)
    assert "another hash" in notes and "torch 2 then, 3 now" in notes


def test_what_is_no_bundle_of_a_finished_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    again(monkeypatch, status="failed")
    with pytest.raises(RunError, match="no memory"):
        reproducing.run_again(reproducing.read(bundle(tmp_path)))
    for changes, said in (({"kind": "cover"}, "no whole run"), ({"result": {}}, "no accuracies")):
        with pytest.raises(DataError, match=said):
            reproducing.run_again(reproducing.read(bundle(tmp_path, **changes)))
    (tmp_path / "text.zip").write_text("x")
    for name in ("text.zip", "missing.zip"):
        with pytest.raises(DataError, match="no bundle of a run"):
            reproducing.read(tmp_path / name)


STUDY = {
    "data": {"name": "moons", "limit": 40}, "network": {"name": "mlp", "options": {"width": 8}},
    "methods": ("random", "k-center"), "ipc": (2,), "seeds": 1, "eps": (0.05, 0.1), "trainings": ("standard",),
    "epochs": 2, "full_epochs": 1, "reference_seeds": 0, "attack": "strong", "attack_images": 10, "images": 20,
    "attack_steps": 3,
}  # fmt: skip


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Goes to a home, where runs are done in this process."""

    def go(name: str) -> None:
        workplace.close()
        monkeypatch.setenv("BALLAST_HOME", str(tmp_path / name))

    def executor() -> InlineExecutor:
        return InlineExecutor(workplace.store(), workplace.home(), KINDS)

    monkeypatch.setattr(api.study, "executor", executor)
    monkeypatch.setattr(reproducing, "executor", executor)
    go("here")
    yield go
    workplace.close()


def packed(path: Path) -> Path:
    """The bundle of a study that is done in the present home."""
    api.study.begin("small", STUDY)
    assert all(record.status == "done" for _, record in api.study.continue_with("small"))
    api.study.export_to("small", path)
    return path


def test_a_study_is_done_again_here_and_elsewhere_to_equal_numbers(tmp_path: Path, inline: Callable[[str], None]):
    file = packed(tmp_path / "small.zip")
    assert file.read_bytes() == api.study.export("small")  # equal studies give equal bytes
    first = {record.id for record in api.runs()}
    for place in ("here", "there"):
        inline(place)
        found = list(reproducing.study_again(reproducing.read(file)))
        assert len(found) == 4 and first.isdisjoint({one.run for one in found})  # nothing that was there counts
        assert {number.verdict for one in found for number in one.numbers} == {"equal"}
        assert not any(one.notes for one in found) and len({one.title for one in found}) == 4
        assert not list((tmp_path / place / "studies" / "again").iterdir())


def test_a_condensed_set_from_before_is_not_taken(tmp_path: Path, inline: Callable[[str], None]):
    def took(run_ids: Iterable[str]) -> set[float]:
        return {api.get(run_id).seconds["condense"] for run_id in run_ids}

    file = packed(tmp_path / "small.zip")
    before = took(record.id for record in api.runs())
    again = took(one.run for one in reproducing.study_again(reproducing.read(file)))
    assert len(before) == len(again) == 2  # by each method once, for two radii
    assert before.isdisjoint(again)


def test_a_study_that_was_stopped_goes_on_and_does_nothing_twice(tmp_path: Path, inline: Callable[[str], None]):
    file, heard = packed(tmp_path / "small.zip"), []
    inline("there")

    def stop_at_the_third(words: str, event: EventRow) -> None:
        heard.append(words)
        if len(set(heard)) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(reproducing.study_again(reproducing.read(file), stop_at_the_third))
    before = {record.id for record in api.runs(status=("done",))}
    found = {one.run for one in reproducing.study_again(reproducing.read(file))}
    assert len(before) >= 2 and before <= found and len(found) == 4


def changed(file: Path, change: Callable[[dict], None]) -> Path:
    """The bundle of a study with something else in it."""
    with zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read("study.json"))
    change(told)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("study.json", json.dumps(told))
    return file


def test_a_number_that_was_changed_is_found(tmp_path: Path, inline: Callable[[str], None]):
    def forge(told: dict) -> None:
        told["records"][1]["result"] |= {"robust_acc": 0.987, "interval": [0.97, 1.0]}

    file = changed(packed(tmp_path / "small.zip"), forge)
    found = list(reproducing.study_again(reproducing.read(file)))
    wrong = [(at, one.name) for at, run in enumerate(found) for one in run.numbers if one.verdict == "different"]
    assert wrong == [(1, "robust_acc")]


def test_what_is_no_bundle_of_a_study_is_refused(tmp_path: Path, inline: Callable[[str], None]):
    with pytest.raises(RunError, match="nothing yet"):
        api.study.begin("small", STUDY)
        api.study.export("small")
    file = packed(tmp_path / "small.zip")
    kept = file.read_bytes()
    for change, said in (
        (lambda told: told.pop("study"), "not those of a study"),
        (lambda told: told["study"].update(methods=["no-such"]), "no-such"),
        (lambda told: told["study"].update(unknown=1), "no study"),
        (lambda told: told.update(records=[{"kind": "run"}]), "no whole run"),
        (lambda told: told.update(records=7), "not those of a study"),
    ):
        file.write_bytes(kept)
        with pytest.raises(DataError, match=said):
            reproducing.read(changed(file, change))
    file.write_bytes(kept)
    with pytest.raises(DataError, match="no finished cell"):
        list(reproducing.study_again(reproducing.read(changed(file, lambda told: told.update(records=[])))))
