"""The map: fixed by its seed, honest about samples, and the data's own plane where there is one."""

import numpy as np
import pytest

from core.events import drive
from core.maps import umap
from core.types import TrainSplit, drawn_part


def clusters(n=90, size=6):
    rng = np.random.default_rng(2)
    y = np.arange(n) % 3
    x = np.clip(0.2 + 0.3 * y[:, None] + 0.02 * rng.standard_normal((n, size)), 0, 1).astype(np.float32)
    return TrainSplit(x=x.reshape(n, 1, 1, size), y=y, levels=0)


def test_umap_keeps_clusters_apart_and_is_fixed_by_its_seed():
    train, events = clusters(), []
    first, second = drive(umap.embed(train), events.append), drive(umap.embed(train))
    assert np.array_equal(first.xy, second.xy) and first.xy.dtype == np.float32 and not first.true_space
    assert np.array_equal(first.rows, np.arange(90)) and events[-1].done == 90
    nearest, _ = umap.neighbours(first.xy, first.xy, 5)
    assert (train.y[nearest] == train.y[:, None]).all()


def test_points_of_the_plane_are_their_own_map():
    train = clusters(size=2)
    found = drive(umap.embed(train))
    assert found.true_space and np.array_equal(found.xy, train.x.reshape(-1, 2))


@pytest.mark.parametrize("n", [3, 5, 19])
def test_a_handful_of_images_is_laid_out_by_principal_components(n):
    found = drive(umap.embed(clusters(n)))
    assert found.xy.shape == (n, 2) and np.isfinite(found.xy).all()


def test_principal_components_keep_the_distances_of_a_plane():
    flat = np.random.default_rng(0).random((10, 2)) @ np.linalg.qr(np.random.default_rng(1).random((5, 2)))[0].T
    xy = umap.principal(flat)

    def between(a):
        return np.linalg.norm(a[:, None] - a[None], axis=-1)

    assert np.allclose(between(xy), between(flat))


def test_a_sample_has_the_classes_in_proportion():
    y = np.repeat([0, 1, 2], [600, 300, 100])
    rows = drawn_part(y, 100, seed=0)
    assert len(set(rows.tolist())) == 100 and (np.diff(rows) > 0).all()
    assert np.abs(np.bincount(y[rows]) - [60, 30, 10]).max() <= 1
    assert np.array_equal(rows, drawn_part(y, 100, seed=0)) and not np.array_equal(rows, drawn_part(y, 100, seed=1))


def test_images_outside_the_sample_are_placed_among_their_neighbours():
    train = clusters()
    found = drive(umap.embed(train, sample=60))
    rows = np.setdiff1d(np.arange(90), found.rows)[:7]
    more = umap.place(found, train, np.concatenate([rows, found.rows[:3]]))
    assert len(more.rows) == 67 and np.array_equal(more.xy[:60], found.xy)
    for row, xy in zip(more.rows[60:], more.xy[60:], strict=True):
        own = found.xy[train.y[found.rows] == train.y[row]]
        assert (own.min(0) <= xy).all() and (xy <= own.max(0)).all()


def test_the_place_of_an_image_is_the_mean_of_its_nearest_by_inverse_distance():
    train = clusters()
    found = drive(umap.embed(train, sample=60))
    row = np.setdiff1d(np.arange(90), found.rows)[:1]
    flat = train.pixels().reshape(90, -1).astype(np.float64)
    away = np.linalg.norm(flat[found.rows] - flat[row], axis=1)
    near = np.argsort(away)[: umap.NEIGHBOURS]
    expected = np.average(found.xy[near], axis=0, weights=1 / away[near])
    np.testing.assert_allclose(umap.place(found, train, row).xy[-1], expected, rtol=1e-3)
    assert np.abs(expected - np.average(found.xy[near], axis=0, weights=away[near])).max() > 1e-2


def test_neighbours_are_the_nearest_and_an_image_is_its_own_first():
    flat = np.repeat(np.random.default_rng(3).random((20, 4), np.float32), 2, axis=0)  # every image twice
    indices, distances = umap._self_first(*umap.neighbours(flat, flat, 6))
    assert np.array_equal(indices[:, 0], np.arange(40)) and (distances[:, :2] < 1e-3).all()
    brute = np.sort(np.linalg.norm(flat[:, None] - flat[None], axis=-1), axis=1)[:, :6]
    assert np.allclose(np.sort(distances, axis=1), brute, atol=1e-3)
    assert all(len(set(row.tolist())) == 6 for row in indices)


def test_an_error_in_the_fit_reaches_the_caller():
    def fail():
        raise ZeroDivisionError("inside")

    with pytest.raises(ZeroDivisionError, match="inside"):
        drive(umap.beating(fail, 1))
