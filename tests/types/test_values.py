"""Frozen values: intervals against published figures, hashes by content, seeds that do not collide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.types import Accuracy, Attack, CondensedSet, Dataset, TestSplit, TrainSplit, stream


@given(st.integers(1, 2000), st.data())
def test_interval_is_wilsons(images: int, data: st.DataObject):
    correct = data.draw(st.integers(0, images))
    accuracy = Accuracy(correct=correct, images=images, attack=Attack(name="none"), seed=0, seconds=0.0)
    known = binomtest(correct, images).proportion_ci(method="wilson")
    assert accuracy.interval == pytest.approx((known.low, known.high), abs=1e-9)
    assert accuracy.interval[0] <= accuracy.value <= accuracy.interval[1] or accuracy.value in (0, 1)


def dataset(name: str = "a", shift: int = 0) -> Dataset:
    x = (np.arange(32, dtype=np.uint8) + shift).reshape(2, 1, 4, 4)
    y = np.array([0, 1])
    return Dataset(
        name=name,
        train=TrainSplit(x=x.copy(), y=y.copy()),
        test=TestSplit(x=x.copy(), y=y.copy()),
        classes=("zero", "one"),
    )


def test_dataset_hash_follows_pixels_not_name():
    assert dataset("a").hash == dataset("b").hash
    assert dataset().hash != dataset(shift=1).hash


def test_pixels_are_exact_fractions_of_the_levels():
    split = TrainSplit(x=np.arange(17, dtype=np.uint8).reshape(17, 1, 1, 1), y=np.zeros(17, np.int64), levels=16)
    assert np.array_equal(np.round(split.pixels() * 16), split.x)
    assert split.pixels().dtype == np.float32
    assert split.pixels().max() == 1.0


def test_arrays_cannot_be_written():
    split = dataset().train
    with pytest.raises(ValueError, match="read-only"):
        split.x[0] = 0
    condensed = CondensedSet(x=split.pixels(), y=split.y.copy(), n_classes=2, method="random")
    with pytest.raises(ValueError, match="read-only"):
        condensed.x[0] = 0


def test_condensed_hash_follows_every_array():
    x, y = dataset().train.pixels(), np.array([0, 1])
    plain = CondensedSet(x=x, y=y, n_classes=2, method="random")
    weighted = CondensedSet(x=x, y=y, n_classes=2, method="random", weights=np.array([3, 1]))
    assert plain.hash != weighted.hash


@given(st.integers(0, 2**31), st.integers(0, 2**31), st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5))
def test_streams_differ_by_seed_and_name(a: int, b: int, first: str, second: str):
    assert 0 <= stream(a, first) < 2**63
    assert (stream(a, first) == stream(b, second)) == ((a, first) == (b, second))


def test_attack_sentence_names_its_strength():
    attack = Attack(name="PGD", norm="Linf", eps=0.3, steps=20, step_size=0.0375, restarts=2, loss="CE")
    assert attack.sentence() == "PGD-20, Linf, ε 0.3, step 0.0375, 2 restarts, CE"
