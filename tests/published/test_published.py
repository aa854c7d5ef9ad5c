"""Published rows are whole, say where they stand, and only those that match stand beside a result."""

import json
import math

import pytest
from typer.testing import CliRunner

from core.cli.main import app
from core.published import REASONS, ROWS, beside


def test_every_row_has_a_source_and_numbers_that_can_be():
    assert len(ROWS) > 250 and len({repr(row) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.source.startswith("https://") and row.paper.startswith("https://") and row.note, row
        known = [value for value in (row.clean, row.robust) if value is not None]
        assert known and all(0 <= value <= 1 for value in known), row
        assert row.robust is None or row.clean is None or row.robust <= row.clean, row
        assert bool(row.attack) == (row.robust is not None) == (row.norm is not None) == (row.space is not None), row


def test_a_budget_of_pixels_is_a_number_of_pixels_and_another_space_is_never_comparable():
    for row in ROWS:
        assert (row.space == "normalised") == (row.use == "not comparable"), row
        if row.space == "pixels":
            assert row.eps is not None and 0 < row.eps <= 0.5, row
        if row.use == "ok":
            assert row.space == "pixels" and row.attack, row
    assert {row.use for row in ROWS} == set(REASONS)


def test_known_numbers_stand_as_they_were_published():
    (trades,) = [row for row in ROWS if row.method == "Zhang2019Theoretically" and row.data == "cifar10"]
    assert (trades.clean, trades.robust, trades.norm, trades.eps) == (0.8492, 0.5308, "Linf", 0.031)
    assert "1901.08573" in trades.paper and "robustbench" in trades.source
    madry = beside("mnist", norm="Linf", eps=0.3)
    assert {row.ipc for row in madry} == {"full"} and max(row.robust for row in madry if row.use == "ok") == 0.9634


def test_a_lookup_matches_data_budget_norm_and_radius():
    found = beside("cifar10", ipc=(10, "full"), norm="Linf", eps=8 / 255)
    assert {row.data for row in found} == {"cifar10"} and {row.ipc for row in found} == {10, "full"}
    attacked = [row for row in found if row.attack]
    assert {row.norm for row in attacked} == {"Linf"}
    assert all(math.isclose(row.eps, 8 / 255, rel_tol=0.02) for row in attacked)
    assert "Zhang2019Theoretically" in {row.method for row in attacked}  # .031 is the same limit by another name
    assert beside("cifar10", norm="Linf", eps=0.1, ipc=("full",)) == beside("cifar10", norm="L1", ipc=("full",))
    assert not [row for row in beside("cifar10", norm="Linf", eps=0.1) if row.attack]
    assert not beside("digits")


def test_what_is_not_comparable_comes_only_when_asked_for():
    usual, aside = beside("cifar10"), beside("cifar10", aside=True)
    assert "not comparable" not in {row.use for row in usual} and {row.use for row in aside} == {"not comparable"}
    assert all("normalisation" in row.reason and "normalised units" in row.protocol for row in aside if row.eps)


def test_the_most_robust_of_the_comparable_come_first_and_condensed_sets_before_all_data():
    found = beside("cifar10", ipc=(10, "full"), norm="Linf", eps=8 / 255)
    order = [row.ipc for row in found]
    assert order == [10] * order.count(10) + ["full"] * order.count("full") and {10, "full"} == set(order)
    found = beside("cifar10", ipc=("full",), norm="Linf", eps=8 / 255)
    strong = [row.robust for row in found if row.use == "ok"]
    assert strong == sorted(strong, reverse=True) and [row.use == "ok" for row in found[: len(strong)]] == [True] * len(
        strong
    )


@pytest.mark.parametrize("words", [[], ["--norm", "Linf", "--eps", "8/255"]], ids=["budget", "attack"])
def test_the_command_gives_them_with_reasons(words: list[str]):
    done = CliRunner().invoke(app, ["published", "--data", "cifar10", "--ipc", "10", *words, "--json"])
    rows = json.loads(done.stdout)
    assert done.exit_code == 0 and rows and {row["ipc"] for row in rows} == {10, "full"}
    assert all(row["reason"] and row["protocol"] and row["use"] != "not comparable" for row in rows)
    asked = CliRunner().invoke(app, ["published", "--data", "cifar10", "--not-comparable"])
    assert "BACON" in asked.stdout and "not comparable" in asked.stdout
    nothing = CliRunner().invoke(app, ["published", "--data", "digits"])
    assert nothing.exit_code == 0 and "no published row for digits" in nothing.stdout
