"""What a page shows of single images under nearest neighbour: true neighbours, the pair that decides, a real attack."""

import numpy as np
import pytest

from core import datasets
from core.certificates.nearest import Centres, prove
from core.evaluation.explained import explain
from core.evaluation.sample import choose_each
from core.events import drive, finish
from core.jobs.explained import EACH, NORMS
from core.types import CondensedSet, DataConfig, Dataset, Explained
from core.types.data import Norm

every_norm = pytest.mark.parametrize("place, norm", list(enumerate(NORMS)))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return drive(datasets.load(DataConfig(name="digits"), root=None))


@pytest.fixture(scope="module")
def condensed(digits: Dataset) -> CondensedSet:
    train = digits.train
    rows = np.concatenate([np.flatnonzero(train.y == label)[:5] for label in range(10)])
    return CondensedSet(x=train.pixels(rows), y=train.y[rows], n_classes=10, method="random", indices=rows)


@pytest.fixture(scope="module")
def found(digits: Dataset, condensed: CondensedSet) -> Explained:
    return finish(explain(condensed, digits.test, choose_each(digits.test, EACH * 10, 0), NORMS))


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float64)


@every_norm
def test_the_pair_that_decides_gives_the_radius_and_the_two_nearest_are_the_nearest(
    found: Explained, condensed: CondensedSet, place: int, norm: Norm
):
    s, x, other = flat(condensed.x), flat(found.x), 0
    away = np.sqrt(((x[:, None] - s) ** 2).sum(2))
    for i, label in enumerate(found.y):
        mine, others = np.flatnonzero(condensed.y == label), np.flatnonzero(condensed.y != label)
        assert found.own[i] == mine[away[i, mine].argmin()] and found.foreign[i] == others[away[i, others].argmin()]
        assert (found.own_away[i], found.foreign_away[i]) == pytest.approx((away[i, mine].min(), away[i, others].min()))
        if found.radius[place, i] == 0:
            assert away[i, mine].min() >= away[i, others].min() and found.rival[place, i] == -1
            continue
        keeper, rival = found.keeper[place, i], found.rival[place, i]
        other += (keeper, rival) != (found.own[i], found.foreign[i])
        if i % 6 == 0:  # every pair by itself, of one image of a class: the least of the largest
            pairs = {(a, b): _pair(found, i, s, a, b, norm) for a in mine for b in others}
            assert max((pairs[a, rival], a) for a in mine)[1] == keeper
            assert min(max(pairs[a, b] for a in mine) for b in others) == pairs[keeper, rival]
        assert found.radius[place, i] == pytest.approx(_pair(found, i, s, keeper, rival, norm), rel=1e-9)
        assert found.formula[place, i] <= found.radius[place, i] * (1 + 1e-9)
        assert found.keeper_away[place, i] == pytest.approx(away[i, keeper])
        gap = np.abs(s[keeper] - s[rival])
        dual = {"Linf": gap.sum(), "L2": np.sqrt((gap**2).sum()), "L1": gap.max()}[norm]
        plain = (away[i, rival] ** 2 - away[i, keeper] ** 2) / (2 * dual)
        assert found.formula[place, i] == pytest.approx(plain) and found.apart[place, i] == pytest.approx(dual)
    assert other > 3, "another pair than the two nearest should decide now and then"


def _pair(found: Explained, image: int, s: np.ndarray, a: int, b: int, norm: Norm) -> float:
    two = Centres.of(s[[a, b]], np.array([0, 1]))
    return float(finish(prove(found.x[image : image + 1], np.array([0]), two, norm)).radius[0])


@every_norm
def test_the_smallest_attack_found_is_real_and_at_least_as_long_as_the_proof(
    found: Explained, condensed: CondensedSet, place: int, norm: Norm
):
    right = found.radius[place] > 0
    known = right & np.isfinite(found.size[place])
    assert known.sum() > 0.9 * right.sum() and 0 < right.sum() < len(right)
    assert (found.size[place] >= found.radius[place]).all() and (found.size[place][~right] == 0).all()
    assert np.median(found.size[place][known] / found.radius[place][known]) < 1.02
    moved, clean = flat(found.attacked[place]), flat(found.x)
    assert moved.min() >= 0 and moved.max() <= 1
    move = np.abs(moved - clean)
    length = {"Linf": move.max(1), "L2": np.sqrt((move**2).sum(1)), "L1": move.sum(1)}[norm]
    np.testing.assert_allclose(length[known], found.size[place][known], rtol=1e-5)
    beyond = np.clip(clean + (moved - clean) * (1 + 1e-4), 0, 1)  # rounded for storing, and right on the border
    away = ((beyond[:, None] - flat(condensed.x)) ** 2).sum(2)
    assert (condensed.y[away.argmin(1)] != found.y)[known].all()
    assert (found.labels[found.reached[place]] != found.y)[known].all()


def test_what_is_stored_is_read_again(found: Explained):
    again = Explained.of(found.arrays())
    assert all(np.array_equal(value, again.arrays()[name], equal_nan=True) for name, value in found.arrays().items()
               if value.dtype.kind == "f") and again.norms.tolist() == list(NORMS)  # fmt: skip
