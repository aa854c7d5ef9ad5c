"""Embedded data sets are exact, fixed and split without overlap."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core.datasets import DATASETS, describe, load, preview
from core.datasets.split import limited, stratified
from core.errors import DataError
from core.events import drive
from core.types import DataConfig, TestSplit, TrainSplit

EMBEDDED = [name for name, row in DATASETS.items() if row.kind == "embedded"]


def get(tmp_path: Path, **settings):
    return drive(load(DataConfig(**settings), root=tmp_path))


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_load_alike_twice_with_typed_splits(name: str, tmp_path: Path):
    first, second = get(tmp_path, name=name), get(tmp_path, name=name.upper())
    assert first.hash == second.hash
    assert isinstance(first.train, TrainSplit)
    assert isinstance(first.test, TestSplit)
    pixels = first.train.pixels()
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert set(np.unique(first.train.y)) == set(np.unique(first.test.y)) == set(range(first.n_classes))


def test_digits_are_scikit_learns_to_the_bit(tmp_path: Path):
    dataset, source = get(tmp_path, name="digits"), load_digits()
    both = np.concatenate([dataset.train.x, dataset.test.x]).reshape(-1, 64)
    assert dataset.train.levels == 16

    def order(rows):
        return rows[np.lexsort(rows.T)]

    assert np.array_equal(order(both), order(source.data.astype(np.uint8)))
    assert len(dataset.test) == pytest.approx(0.2 * 1797, abs=5)


def test_toys_follow_their_seed(tmp_path: Path):
    assert get(tmp_path, name="moons").hash != get(tmp_path, name="moons", seed=1).hash


def test_toys_stay_inside_and_a_circle_stays_round(tmp_path: Path):
    x, y = (lambda d: (d.train.x.reshape(-1, 2), d.train.y))(get(tmp_path, name="circles"))
    for label, radius in ((0, 0.4), (1, 0.2)):
        away = np.linalg.norm(x[y == label] - 0.5, axis=1)
        assert away.mean() == pytest.approx(radius, abs=0.01)
        assert away.std() < 0.04
    for name in ("moons", "circles", "blobs", "spirals"):
        points = get(tmp_path, name=name).train.x
        assert ((points == 0) | (points == 1)).mean() < 0.01, "hardly any point is clipped at the border"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_strange_names_are_refused(name: str, tmp_path: Path):
    with pytest.raises(DataError, match="there is no data set"):
        get(tmp_path, name=name)


def test_limit_is_per_class_shuffled_and_leaves_the_test_split(tmp_path: Path):
    whole, part = get(tmp_path, name="digits"), get(tmp_path, name="digits", limit=7)
    assert np.array_equal(np.bincount(part.train.y), np.full(10, 7))
    assert np.array_equal(part.test.x, whole.test.x)
    rows = limited(whole.train.y, 7, seed=0)
    assert rows.max() > len(whole.train) // 2, "not the first images"
    assert not np.array_equal(rows, limited(whole.train.y, 7, seed=1))


def test_stratified_split_keeps_shares_and_loses_nothing():
    y = np.repeat([0, 1, 2, 3], [1, 2, 50, 200])
    train, test = stratified(y, 0.2, seed=3)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(y)))
    assert np.array_equal(np.bincount(y[test], minlength=4), [0, 1, 10, 40])


def test_unknown_name_lists_the_names(tmp_path: Path):
    with pytest.raises(DataError, match=r"no data set 'digit'.*digits, moons"):
        get(tmp_path, name="digit")


def test_description_counts_and_preview_shows_each_class(tmp_path: Path):
    dataset = get(tmp_path, name="digits", limit=20)
    found = describe(dataset)
    assert found.train_counts == (20,) * 10
    assert sum(found.test_counts) == len(dataset.test)
    assert (found.shape, found.levels, found.low, found.high) == ((1, 8, 8), 16, 0.0, 16.0)
    x, y = preview(dataset, per_class=4)
    assert np.array_equal(np.bincount(y), np.full(10, 4))
    assert x.shape == (40, 1, 8, 8)
