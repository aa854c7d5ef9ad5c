"""McNemar's test against scipy, and its pairs from what runs have left."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from core.api import pairs, work
from core.engine import artifacts
from core.study.paired import Paired
from core.types import RunRecord


def test_p_is_that_of_the_binomial_test():
    for one, other in itertools.product((0, 1, 3, 10, 400), repeat=2):
        wanted = stats.binomtest(one, one + other).pvalue if one + other else 1.0
        assert Paired(only_one=one, only_other=other).p == pytest.approx(wanted, rel=1e-9)


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, RunRecord]:
    """Two runs that judged 6 and 5 images, 4 of them in common, in different orders."""
    rows = {"a": [5, 1, 2, 9, 7, 4], "b": [9, 2, 5, 1, 30]}
    right = {"a": [1, 1, 0, 1, 1, 1], "b": [1, 1, 0, 0, 1]}
    records = {}
    for name in rows:
        (tmp_path / name).mkdir()
        images = {"rows": np.array(rows[name]), "right": np.array(right[name], bool)}
        images["standing"] = images["right"] & (images["rows"] != 9) & (images["rows"] != 1)
        artifacts.save_arrays(tmp_path / name / "verdicts.npz", images)
        records[name] = RunRecord(
            id=name, kind="run", name=name, status="done", config={}, created=0.0,
            result={"data_hash": "same", "attack": "PGD-40", "robust_acc": 0.5},
        )  # fmt: skip
    monkeypatch.setattr(work, "get", records.__getitem__)
    monkeypatch.setattr(pairs, "folder_of", lambda home, run_id: tmp_path / run_id)
    monkeypatch.setattr(pairs, "home", lambda *_: tmp_path)
    return records


def test_only_images_that_both_judged_count_each_with_itself(left):
    found = pairs.of_runs("a", "b")
    assert found.images == 4  # rows 1, 2, 5, 9: a has 1, 5, 9 right, b has 2, 9
    assert found.clean == Paired(only_one=2, only_other=1) and found.robust == Paired(only_one=1, only_other=1)
    back = pairs.of_runs("b", "a")
    assert back.clean == Paired(only_one=1, only_other=2) and back.clean.p == found.clean.p


def test_another_attack_leaves_only_the_clean_test(left):
    left["b"] = replace(left["b"], result={**left["b"].result, "attack": "AutoAttack"})
    assert pairs.of_runs("a", "b").robust is None


@pytest.mark.parametrize("what", ["data", "file", "images"])
def test_what_cannot_be_paired_says_why(left, what: str, tmp_path: Path):
    if what == "data":
        left["b"] = replace(left["b"], result={**left["b"].result, "data_hash": "other"})
    elif what == "file":
        (tmp_path / "b" / "verdicts.npz").unlink()
    else:
        rows = {"rows": np.array([100]), "right": np.array([True]), "standing": np.array([True])}
        artifacts.save_arrays(tmp_path / "b" / "verdicts.npz", rows)
    said = {"data": "different data", "file": "run again", "images": "different test images"}[what]
    assert said in pairs.of_runs("a", "b")
