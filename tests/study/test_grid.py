"""The grid of a study: what stands at a place and around it against brute force, and cells besides the grid."""

from collections.abc import Callable
from functools import cache
from itertools import product

import pytest

from core.errors import ConfigError
from core.settings.study import Cell, Place, Study, plan
from core.study.grid import alone, along, at, beside, measured, nearest
from core.study.table import Row, table
from tests.study.test_study import SMALL, record


def everything(cell: Cell) -> bool:
    return True


@cache
def rows_of(study: Study, keep: Callable[[Cell], bool] = everything) -> list[Row]:
    """The table of a study of which the cells that `keep` says are done; each accuracy tells where it stands."""
    return table(study, lambda c: record(c, clean=0.9, pgd=0.5, attacked=c.eps) if keep(c) else None)


def place(method: str = "k-center", ipc: int = 2, training: str = "standard", eps: float = 0.1) -> Place:
    return Place(method=method, ipc=ipc, training=training, eps=eps)


GRID = Study(**{**SMALL, "ipc": (1, 2, 5), "eps": (0.05, 0.1, 0.2)})


def test_every_measured_place_finds_its_row_and_no_other_place_finds_one() -> None:
    rows = rows_of(GRID)
    for method, ipc, training, eps in product(GRID.methods, range(1, 7), GRID.trainings, (0.05, 0.07, 0.1, 0.2, 0.3)):
        row = at(rows, place(method, ipc, training, eps))
        assert (row is not None) == (ipc in GRID.ipc and eps in GRID.eps)
        if row is not None:
            assert (row.method, row.ipc, row.training, row.eps) == (method, ipc, training, eps)
            assert nearest(rows, place(method, ipc, training, eps)) == [row]


def test_the_nearest_rows_enclose_a_place_and_none_of_the_same_side_is_closer() -> None:
    rows = rows_of(GRID)
    found = nearest(rows, place(ipc=3, eps=0.12))
    assert [(row.ipc, row.eps) for row in found] == [(2, 0.1), (2, 0.2), (5, 0.1), (5, 0.2)]
    assert {(row.method, row.training) for row in found} == {("k-center", "standard")}
    assert [(row.ipc, row.eps) for row in nearest(rows, place(ipc=2, eps=0.07))] == [(2, 0.05), (2, 0.1)]
    assert [(row.ipc, row.eps) for row in nearest(rows, place(ipc=9, eps=0.1))] == [(5, 0.1)]
    assert nearest(rows, place(method="mfc")) == []


def test_a_cell_that_failed_is_not_measured_and_its_neighbours_are_offered() -> None:
    rows = rows_of(GRID, lambda cell: (cell.ipc, cell.eps) != (2, 0.1))
    assert at(rows, place()) is None
    assert [(row.ipc, row.eps) for row in nearest(rows, place())] == [(1, 0.1), (2, 0.05), (2, 0.2)]


def test_the_bars_are_random_at_the_same_place_and_the_full_data() -> None:
    rows = rows_of(GRID)
    bars = beside(rows, place(training="warm-start"))
    assert list(bars) == ["random", "full"]
    assert {(bar.training, bar.eps) for bar in bars.values()} == {("warm-start", 0.1)}
    assert (bars["random"].ipc, bars["full"].ipc) == (2, None)
    assert list(beside(rows, place("random"))) == ["full"]


def test_a_line_rises_in_radius_at_one_budget_and_the_own_method_comes_first() -> None:
    rows = rows_of(GRID)
    lines = along(rows, place())
    assert list(lines) == ["k-center", "random"]
    assert all([row.eps for row in line] == [0.05, 0.1, 0.2] for line in lines.values())
    assert {row.ipc for line in lines.values() for row in line} == {2} and along(rows, place(ipc=3)) == {}
    assert (measured(rows, "ipc"), measured(rows, "eps")) == ([1, 2, 5], [0.05, 0.1, 0.2])


def test_a_single_cell_joins_the_plan_with_every_seed_and_nothing_else_changes() -> None:
    wider = GRID.with_place(place(ipc=3, eps=0.07))
    new = [cell for cell in plan(wider) if cell.digest not in {cell.digest for cell in plan(GRID)}]
    assert [(c.method, c.ipc, c.training, c.eps, c.seed) for c in new] == [
        ("k-center", 3, "standard", 0.07, seed) for seed in range(2)
    ]
    assert {c.digest for c in plan(GRID)} < {c.digest for c in plan(wider)} and Study(**wider.to_json()) == wider
    assert new[0].settings.evaluation.eps == 0.07 and wider.with_place(place(ipc=3, eps=0.07)) == wider
    assert GRID.with_place(place()) == GRID and GRID.has(place()) and not GRID.has(place(ipc=3))
    assert at(rows_of(wider), place(ipc=3, eps=0.07)).attacked == 0.07


def test_a_study_of_one_cell_computes_what_the_whole_study_does_there() -> None:
    study = GRID.replace(set=("k-center.norm=Linf", "warm-start.epochs=7", "network.width=8"))
    only = alone(study, place())
    assert [cell.digest for cell in plan(only)] == [
        cell.digest for cell in plan(study) if (cell.method, cell.ipc, cell.training, cell.eps)
        == ("k-center", 2, "standard", 0.1)
    ]  # fmt: skip
    assert only.set == ("k-center.norm=Linf", "network.width=8")


WRONG = (
    "mfc", "mfc:2:standard", "mfc:x:standard:0.1", "full:2:standard:0.1", "mfc:0:standard:1", "mfc:2:standard:0",
    "mfc:2:standard:nan", "mfc:2:nothing:0.1", "nothing:2:standard:1",
)  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        GRID.replace(also=(text,))
