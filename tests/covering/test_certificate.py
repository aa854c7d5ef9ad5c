"""A certificate accepts true covers and finds every kind of lie."""

import dataclasses
import json

import numpy as np
import pytest

from core.compressors.selection import k_center, mfc
from core.covering.assemble import as_condensed
from core.covering.certificate import certify
from core.covering.distances import Metric
from core.events import finish
from core.types import CondensedSet, TrainSplit

NORMS = ("L2", "Linf", "L1")


def split(n=40, levels=255, classes=3, seed=0):
    """Random images; class 1 has a single one."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n).astype(np.int64)
    y[y == 1] = 0
    y[5] = 1
    if levels:
        return TrainSplit(x=rng.integers(0, levels + 1, (n, 1, 3, 3), dtype=np.uint8), y=y, levels=levels)
    return TrainSplit(x=rng.random((n, 1, 3, 3), dtype=np.float32), y=y, levels=0)


def cover(train, norm="L2", **settings):
    """The cover that mfc finds quickly."""
    config = mfc.Config(norm=norm, steps=500, **(settings or {"ipc": 3}))
    return finish(mfc.condense(train, config, n_classes=4, seed=0, device="cpu"))


def changed(condensed, **arrays):
    """A copy with some fields replaced and every array its own."""
    own = {name: array.copy() for name, array in condensed.arrays().items()}
    return dataclasses.replace(condensed, **{**own, **arrays})


def with_entry(array, at, value):
    """A copy of an array with one entry changed."""
    out = array.copy()
    out[at] = value
    return out


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("levels", [255, 16, 0])
def test_true_covers_are_certified_with_the_same_numbers(norm, levels):
    train = split(levels=levels)
    for condensed in (
        cover(train, norm),
        cover(train, norm, radius=0.4),
        finish(k_center.condense(train, k_center.Config(ipc=2, norm=norm), n_classes=4, seed=0, device="cpu")),
    ):
        certificate = certify(train, condensed)
        assert certificate.valid, certificate.violations
        assert certificate.exact == bool(levels)
        assert certificate.radius == pytest.approx(condensed.radius, rel=1e-12)
        assert sum(certificate.weights) == len(train)
        assert certificate.radius_per_class[3] is None
        assert json.loads(json.dumps(certificate.to_json()))["valid"] is True


def test_every_tampering_is_found():
    train = split()
    good = cover(train)
    far = int(np.argmax(good.ball_radius))
    other = int(np.flatnonzero(good.y != good.y[0])[0])
    unlike = int(np.flatnonzero(~np.isin(np.arange(len(train)), good.indices))[0])
    lies = {
        "radius understated": {"radius": float(np.nextafter(good.radius, 0))},
        "ball radius understated": {
            "ball_radius": with_entry(good.ball_radius, far, np.nextafter(good.ball_radius[far], 0))
        },
        "pixels are not those": {"x": with_entry(good.x, (0, 0, 0, 0), 0.123)},
        "label is not that": {"y": with_entry(good.y, 0, good.y[other])},
        "another class": {"assignment": with_entry(good.assignment, good.indices[0], other)},
        "weight is not": {"weights": with_entry(good.weights, 0, good.weights[0] + 1)},
        "indices must be in": {"indices": with_entry(good.indices, 0, len(train))},
        "assignment must be in": {"assignment": with_entry(good.assignment, 0, -1)},
        "assignment must have shape": {"assignment": good.assignment[1:].copy()},
        "norm missing": {"norm": None},
    }
    for words, lie in lies.items():
        certificate = certify(train, changed(good, **lie))
        assert not certificate.valid
        assert any(words in sentence for sentence in certificate.violations), (words, certificate.violations)
    moved = certify(train, changed(good, indices=with_entry(good.indices, 0, unlike)))
    assert any("pixels" in sentence for sentence in moved.violations)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-9])
def test_float_distances_are_excused_for_rounding_and_for_nothing_more(norm, share):
    """Rounding is about 1e-15 of a distance; what a claim lacks by a thousand times that and more is found."""
    train = split(levels=0)
    good = cover(train, norm)
    far = int(np.argmax(good.ball_radius))
    rounded = changed(good, radius=good.radius * (1 - 1e-15), ball_radius=good.ball_radius * (1 - 1e-15))
    assert certify(train, rounded).valid
    for words, lie in {
        "radius understated: claimed": {"radius": good.radius * (1 - share)},
        "ball radius understated": {
            "ball_radius": with_entry(good.ball_radius, far, good.ball_radius[far] * (1 - share))
        },
    }.items():
        certificate = certify(train, changed(good, **lie))
        assert any(words in sentence for sentence in certificate.violations), (words, certificate.violations)


def test_a_cover_of_other_data_is_not_certified():
    assert not certify(split(seed=1), cover(split())).valid


def test_a_looser_claim_is_allowed():
    good = cover(split())
    assert certify(split(), changed(good, radius=good.radius + 1, ball_radius=good.ball_radius + 1)).valid


def test_a_set_without_cover_is_said_to_be_none():
    train = split()
    plain = CondensedSet(x=train.pixels(slice(3)), y=train.y[:3].copy(), n_classes=4, method="random")
    assert "not a cover" in certify(train, plain).violations[0]


def test_radius_is_the_one_of_a_plain_float_computation():
    train = split()
    condensed = as_condensed(
        train, np.array([5, 0, 1, 2, 3, 4, 6, 7]), Metric("L2", 255), n_classes=4, method="t", info={}
    )
    x = train.pixels().astype(np.float64).reshape(len(train), -1)
    distance = np.linalg.norm(x - x[condensed.indices[condensed.assignment]], axis=1)
    assert condensed.radius == pytest.approx(distance.max(), rel=1e-6)
    for s in range(len(condensed)):
        members = distance[condensed.assignment == s]
        assert condensed.ball_radius[s] == pytest.approx(members.max(), rel=1e-6, abs=1e-9)
        assert condensed.weights[s] == len(members)
