"""What stands on a map beside the coordinates: owners and distances come from pixels, whatever the map looks like."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.compressors import METHODS
from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, drive
from core.jobs import mapping
from core.maps import umap
from core.types import CondensedSet, Dataset, TestSplit, TrainSplit

N = 30
PLACES = np.random.default_rng(8).normal(size=(N, 2)).astype(np.float32)  # says nothing of the images


def dataset():
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 256, (N, 1, 4, 4), dtype=np.uint8), np.arange(N) % 3
    return Dataset(name="few", train=TrainSplit(x=x, y=y), test=TestSplit(x=x, y=y), classes=("a", "b", "c"))


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    def embed(train):
        yield Progress(stage="map")
        return umap.Map(xy=PLACES[5:], rows=np.arange(5, N), true_space=False)

    monkeypatch.setattr(umap, "embed", embed)
    return Job(folder=tmp_path / "run", home=tmp_path, device="cpu")


def pixels_say(train, condensed):
    """Owner of the same class and distance of every train image, by plain L2 in float64."""
    a, b = (v.reshape(len(v), -1).astype(np.float64) for v in (train.pixels(), condensed.x))
    distance = np.linalg.norm(a[:, None] - b[None], axis=-1)
    distance[train.y[:, None] != condensed.y[None]] = np.inf
    return distance.argmin(1), distance.min(1)


def selected():
    method = METHODS["random"]
    return drive(method.condense(dataset().train, method.Config(ipc=2), n_classes=3, seed=0, device="cpu"))


def learned():
    x = np.random.default_rng(1).random((6, 1, 4, 4), np.float32)
    return CondensedSet(x=x, y=np.arange(6) % 3, n_classes=3, method="dm")


@pytest.mark.parametrize("condensed", [selected, learned])
def test_owners_are_the_nearest_in_pixel_space_and_not_on_the_map(job, condensed):
    data, made = dataset(), condensed()
    drive(mapping.lay_out(data, made, job))
    first = artifacts.load_arrays(job.folder / "map.npz")
    assert str(first["projection"]) == "PCA" and not (job.cache / data.hash / "map.npz").exists()
    drive(mapping.finish(data, job))
    owner, distance = pixels_say(data.train, made)
    members, mapped = (artifacts.load_arrays(job.folder / f"{name}.npz") for name in ("members", "map"))
    assert np.array_equal(members["owner"], owner) and str(members["norm"]) == str(mapped["norm"]) == "L2"
    np.testing.assert_allclose(members["distance"], distance, rtol=1e-6, atol=1e-7)
    assert np.array_equal(mapped["owner"], owner[mapped["rows"]])
    np.testing.assert_allclose(mapped["distance"], distance[mapped["rows"]], rtol=1e-6, atol=1e-7)
    assert np.array_equal(mapped["y"], data.train.y[mapped["rows"]]) and int(mapped["total"]) == N
    later = mapped["rows"] >= 5
    assert np.array_equal(mapped["xy"][later], PLACES[mapped["rows"][later]]) and str(mapped["projection"]) == "UMAP"
    assert all(np.array_equal(first[name], mapped[name]) for name in set(first) - {"xy", "projection"})
    if made.indices is not None:
        assert np.array_equal(mapped["rows"][mapped["centres"]], made.indices)


@pytest.mark.parametrize("condensed", [selected, learned])
def test_on_a_map_of_some_images_that_was_kept_owners_are_theirs(job, condensed):
    data, made = dataset(), condensed()
    drive(mapping.lay_out(data, made, job))
    drive(mapping.finish(data, job))
    later = replace(job, folder=job.folder.with_name("later"))
    drive(mapping.lay_out(data, made, later))
    owner, distance = pixels_say(data.train, made)
    mapped = artifacts.load_arrays(later.folder / "map.npz")
    assert mapped["rows"][:25].tolist() == list(range(5, N)) and str(mapped["projection"]) == "UMAP"
    assert np.array_equal(mapped["owner"], owner[mapped["rows"]])
    np.testing.assert_allclose(mapped["distance"], distance[mapped["rows"]], rtol=1e-6, atol=1e-7)


def test_on_the_map_others_would_be_nearest():
    """Else the test above would prove nothing."""
    made = selected()
    on_map = np.linalg.norm(PLACES[:, None] - PLACES[made.indices][None], axis=-1)
    on_map[dataset().train.y[:, None] != made.y[None]] = np.inf
    assert (on_map.argmin(1) != pixels_say(dataset().train, made)[0]).sum() > 5


def test_balls_that_hold_another_class_are_counted_in_pixel_space(job):
    data, method = dataset(), METHODS["k-center"]
    made = drive(method.condense(data.train, method.Config(ipc=2), n_classes=3, seed=0, device="cpu"))
    found = drive(mapping.classes(data, made, "L2", job))
    x = data.train.pixels().reshape(N, -1).astype(np.float64)
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1)
    distance[data.train.y[:, None] == data.train.y[None]] = np.inf
    assert found["separation"] == pytest.approx(distance.min(), rel=1e-6)
    assert found["mixed_balls"] == int((distance[made.indices].min(1) <= made.ball_radius).sum()) > 0
