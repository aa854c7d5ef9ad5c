"""Memberships and separation against brute force, exact in integers."""

from dataclasses import replace

import numpy as np
import pytest

from core.compressors import METHODS
from core.events import drive
from core.maps import members
from core.maps.separation import enemies
from core.types import CondensedSet, TrainSplit

ORDER = {"L2": 2, "L1": 1, "Linf": np.inf}


def split(levels, n=40):
    rng = np.random.default_rng(9)
    x = rng.integers(0, 17, (n, 1, 3, 3)).astype(np.uint8)
    x = x if levels else x.astype(np.float32) / np.float32(16)
    return TrainSplit(x=x, y=np.arange(n) % 4, levels=levels)


def between(a, b, norm):
    a, b = (v.reshape(len(v), -1).astype(np.float64) for v in (a, b))
    return np.linalg.norm(a[:, None] - b[None], ord=ORDER[norm], axis=-1)


@pytest.mark.parametrize("norm", ORDER)
@pytest.mark.parametrize("levels", [16, 0])
def test_every_image_belongs_to_the_nearest_of_its_class(norm, levels):
    train = split(levels)
    config = METHODS["random"].Config(ipc=3)
    condensed = drive(METHODS["random"].condense(train, config, n_classes=4, seed=0, device="cpu"))
    owner, distance = drive(members.belong(train, condensed, norm))
    all_of_them = between(train.pixels(), condensed.x, norm)
    own = np.where(train.y[:, None] == condensed.y[None], all_of_them, np.inf)
    assert np.allclose(distance, own.min(1), rtol=1e-6) and np.allclose(own[np.arange(40), owner], distance, rtol=1e-6)
    assert (
        np.array_equal(owner[condensed.indices], np.arange(len(condensed))) and (distance[condensed.indices] == 0).all()
    )


def test_a_cover_keeps_its_own_assignment():
    train = split(16)
    config = METHODS["k-center"].Config(ipc=3)
    condensed = drive(METHODS["k-center"].condense(train, config, n_classes=4, seed=0, device="cpu"))
    owner, distance = drive(members.belong(train, condensed, "L2"))
    assert np.array_equal(owner, condensed.assignment)
    assert distance.max() == condensed.radius


def test_a_cover_keeps_its_assignment_where_others_are_nearer():
    """A cover may count an image to any centre of its class within reach; the map shows what its radii are about."""
    train = split(16)
    config = METHODS["k-center"].Config(ipc=3)
    made = drive(METHODS["k-center"].condense(train, config, n_classes=4, seed=0, device="cpu"))
    first = np.array([np.flatnonzero(made.y == label)[0] for label in train.y])  # everything to one centre a class
    given = replace(made, assignment=first)
    owner, distance = drive(members.belong(train, given, "L2"))
    assert np.array_equal(owner, first) and not np.array_equal(owner, made.assignment)
    away = between(train.pixels(), made.x, "L2")[np.arange(len(train)), first]
    assert np.allclose(distance, away, rtol=1e-6, atol=1e-7)


def test_learned_images_have_members_and_a_class_without_image_has_none():
    train = split(16)
    x = np.random.default_rng(0).random((3, 1, 3, 3), np.float32)
    condensed = CondensedSet(x=x, y=np.array([0, 1, 1]), n_classes=4, method="kip")
    owner, distance = drive(members.belong(train, condensed, "L2"))
    lonely = train.y >= 2
    assert (owner[lonely] == -1).all() and np.isnan(distance[lonely]).all()
    assert np.allclose(distance[train.y == 0], between(train.pixels(np.flatnonzero(train.y == 0)), x[:1], "L2")[:, 0])


@pytest.mark.parametrize("norm", ORDER)
@pytest.mark.parametrize("levels", [16, 0])
def test_the_separation_is_the_smallest_distance_between_classes(norm, levels):
    train = split(levels)
    different = between(train.pixels(), train.pixels(), norm)[train.y[:, None] != train.y[None]]
    seen = []
    assert np.isclose(drive(enemies(train, norm), seen.append).separation, different.min(), rtol=1e-6)
    assert seen[-1].total == len(train)


def test_one_class_has_no_separation():
    train = split(16)
    assert drive(enemies(train.take(np.flatnonzero(train.y == 1)), "L2")).separation is None
