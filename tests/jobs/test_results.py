"""What kinds of runs found, as values: what is stored comes back, and what is not foreseen is refused."""

import pytest

from core.errors import DataError
from core.jobs.kinds import KINDS
from core.jobs.results import RESULTS, CoverResult, RunResult, WidthResult, read, rows
from core.types import RunRecord

POINT = {"eps": 0.1, "value": 0.5, "low": 0.4, "high": 0.6, "attack": "PGD-20"}
RUN = {
    "data": "digits", "classes": ["0", "1"], "shape": [1, 8, 8], "rgb": False, "clean_acc": 0.9, "ipc": 10,
    "clean_interval": [0.8, 0.95], "robust_acc": 0.5, "interval": [0.4, 0.6], "curve": [POINT], "radius": None,
    "gap_per_class": [0.0, None], "seconds_by_stage": {"train": 1.5}, "notes": ["one"], "inertia": 2.0,
    "attacks": [{"name": "APGD", "images": 9, "broken": 4, "seconds": 0.5, "queries": 90}],
    "networks": [{"seed": 3, "clean_acc": 0.9, "clean_interval": [0.8, 1.0], "robust_acc": 0.5,
                  "interval": [0.4, 0.6], "curve": [POINT]}],
}  # fmt: skip


def record(kind="run", result=RUN):
    return RunRecord(id="r", kind=kind, name="", status="done", config={}, created=0.0, result=result)


def test_stored_json_comes_back_as_it_was():
    assert RunResult.read(RUN).to_json() == RUN
    assert type(RunResult.read(RUN).to_json()["ipc"]) is int


def test_values_have_names_and_kinds():
    found = RunResult.of(record())
    assert (found.clean_acc, found.curve[0].eps, found.networks[0].seed) == (0.9, 0.1, 3)
    assert found.attacks[0].broken == 4 and found.gap_per_class == (0.0, None) and found.inertia == 2.0
    with pytest.raises(ValueError, match="frozen"):
        found.clean_acc = 1.0


def test_a_run_that_found_nothing_yet_reads_blank():
    assert all(read(record(kind, {})) == kind_of() for kind, kind_of in RESULTS.items())
    assert RunResult().clean_acc is None and RunResult().classes == ()


def test_every_kind_has_its_value_and_checks_what_it_found():
    assert set(KINDS) == set(RESULTS)
    for name, kind in KINDS.items():
        assert kind.check({"seconds": 1.0}) == {"seconds": 1.0}
        with pytest.raises(DataError, match="seconds"):
            kind.check({"seconds": "long"})
        assert RESULTS[name].model_config["frozen"]


@pytest.mark.parametrize("kind", ["audit", "attack", "width", "frontier", "bound", "certify", "data", "evaluate"])
def test_a_name_that_is_not_foreseen_is_refused(kind):
    with pytest.raises(DataError, match="robust_accuracy"):
        KINDS[kind].check({"robust_accuracy": 0.5})


def test_a_method_of_ones_own_may_tell_more():
    assert RunResult.read({**RUN, "of_my_own": [1, 2]}).to_json()["of_my_own"] == [1, 2]
    assert CoverResult.read({"proven": True, "overlap": [0, 5, 1, 0, 0]}).overlap == (0, 5, 1, 0, 0)


def test_rows_are_plain():
    width = WidthResult.read({"attacks": {"clean": "no attack"}, "rows": []})
    assert rows(width.rows) == [] and width.attacks["clean"] == "no attack"
    assert rows(RunResult.read(RUN).curve) == [POINT]
