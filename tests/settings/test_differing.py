"""The settings that differ between runs: all of them and no other, whatever the runs are."""

import pytest

from core.settings.differing import differing
from core.settings.run import RunConfig

BASE = RunConfig()


def test_runs_of_equal_settings_differ_in_nothing() -> None:
    assert differing([BASE.to_json(), BASE.to_json()]) == {} and differing([BASE.to_json()]) == {}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"seed": 3}, {"seed": [0, 3]}),
        ({"evaluation": {"eps": 0.25}}, {"evaluation.eps": [BASE.evaluation.eps, 0.25]}),
    ],
)
def test_one_change_is_the_one_row(change: dict, found: dict) -> None:
    other = BASE.replace(**{k: BASE.to_json()[k] | v if isinstance(v, dict) else v for k, v in change.items()})
    assert differing([BASE.to_json(), other.to_json()]) == found


def test_another_method_brings_its_own_options_and_the_other_has_none_of_them() -> None:
    one, other = (BASE.replace(method={"name": name}).to_json() for name in ("random", "dm"))
    found = differing([one, other, one])
    assert found["method"] == ["random", "dm", "random"]
    assert found["method.steps"][0] is None and found["method.steps"][1] == other["method"]["options"]["steps"]
    assert {name.partition(".")[0] for name in found} == {"method"} and "method.ipc" not in found


def test_no_value_and_no_such_setting_are_the_same() -> None:
    assert differing([{"data": {"limit": None}}, {"data": {}}]) == {}
    assert differing([{"data": {"limit": 5}}, {"data": {}}]) == {"data.limit": [5, None]}
