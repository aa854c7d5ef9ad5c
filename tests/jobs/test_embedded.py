"""What is shipped of the digits is what the methods give, is certified again, and speaks of no other data."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from core.api import covering
from core.compressors import METHODS
from core.compressors.selection import mfc
from core.compressors.selection.options import MFC
from core.covering.certificate import certify
from core.datasets import load
from core.engine.job import Job
from core.events import drive, finish
from core.jobs import embedded, mapping, stages
from core.maps import umap
from core.settings.run import MethodChoice
from core.types import DataConfig, Dataset


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return drive(load(DataConfig(name="digits"), root=Path()))


@pytest.mark.parametrize(("norm", "k"), [("Linf", 10), ("L2", 7), ("L1", 1)])
def test_a_shipped_cover_is_the_one_that_the_method_finds(digits: Dataset, norm: str, k: int) -> None:
    method, options = METHODS["mfc"], MFC(norm=norm, ipc=k)
    known = embedded.cover_of(digits.hash, options, 0)
    assert known is not None
    given, found = (
        drive(method.condense(digits.train, options, n_classes=10, seed=0, device="cpu", checkpoint=start))
        for start in (known, None)
    )
    assert np.array_equal(given.indices, found.indices) and np.array_equal(given.assignment, found.assignment)
    assert given.radius == found.radius and given.info.lower_bound_radius == found.info.lower_bound_radius
    assert given.info.proven == found.info.proven


@pytest.mark.parametrize("norm", embedded.NORMS)
def test_every_shipped_cover_holds_in_the_pixels_and_is_on_the_shipped_frontier(
    digits: Dataset, norm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    for k in range(1, embedded.MOST + 1):
        options = MFC(norm=norm, ipc=k)
        known = embedded.cover_of(digits.hash, options, 0)
        work = METHODS["mfc"].condense(digits.train, options, n_classes=10, seed=0, device="cpu", checkpoint=known)
        cover = finish(work)
        assert len(cover) == 10 * k and certify(digits.train, cover).valid
        told = {row["label"]: row["radius"] for row in covering.frontier(digits.hash, norm)[0] if row["k"] == k}
        assert list(told.values()) == list(cover.info.radius_per_class)


@pytest.mark.parametrize(
    ("changes", "seed", "data"),
    [({"steps": 10}, 0, True), ({"ipc": 21}, 0, True), ({"radius": 0.5, "ipc": None}, 0, True), ({}, 1, True),
     ({}, 0, False)],
)  # fmt: skip
def test_other_settings_seeds_and_data_are_solved(digits: Dataset, changes: dict, seed: int, data: bool) -> None:
    values = {"norm": "Linf", "ipc": 10} | changes
    assert embedded.cover_of(digits.hash if data else "0" * 16, MFC(**values), seed) is None
    assert embedded.cover_of(digits.hash, METHODS["k-center"].Config(norm="Linf", ipc=10), 0) is None


def test_the_shipped_map_is_what_umap_gives(digits: Dataset) -> None:
    """Equal but for rounding on one machine; on another groups may lie elsewhere, but neighbours stay neighbours."""
    shipped, again = embedded.map_of(digits.hash), drive(umap.embed(digits.train))
    assert shipped is not None and np.array_equal(shipped.rows, again.rows)
    near, near_again = (
        NearestNeighbors(n_neighbors=50).fit(found.xy).kneighbors(return_distance=False) for found in (shipped, again)
    )
    kept = np.mean([np.isin(one, other).mean() for one, other in zip(near, near_again, strict=True)])
    assert kept > 0.8  # 0.90 between two machines; unrelated maps keep 50 of 1,437


def test_a_run_on_digits_lays_nothing_out_and_solves_nothing(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*values: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(umap, "fit", forbidden)
    monkeypatch.setattr(mfc, "_solver", forbidden)
    job = Job(folder=tmp_path / "run", home=tmp_path, device="cpu")
    made = drive(stages.condense(MethodChoice.of("mfc", norm="Linf", ipc=10), digits, 0, job))
    drive(mapping.lay_out(digits, made, job))
    drive(mapping.finish(digits, job))
    assert made.info.proven and made.method == "mfc"
