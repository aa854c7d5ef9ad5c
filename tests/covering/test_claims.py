"""Lower bounds, proofs and gaps are not believed: they must fit the cover, and a better cover must not be found."""

from dataclasses import replace

import numpy as np
import pytest

from core.compressors.selection import k_center, mfc
from core.covering.certificate import certify
from core.covering.claims import QUICK, attack, false_frontier
from core.covering.distances import Metric
from core.covering.frontier import frontier
from core.covering.solve import Effort
from core.events import finish
from core.types import TrainSplit
from tests.covering.clusters import NORMS, problem


def split(levels=255, seed=0):
    """30 random images in classes 0 and 2 of 4."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (30, 1, 2, 2), dtype=np.uint8)
    return TrainSplit(x=x if levels else (x / 255).astype(np.float32), y=np.repeat([0, 2], 15), levels=levels)


def cover(train, **settings):
    """A cover by mfc: proven where it may be."""
    config = mfc.Config(**{"norm": "Linf", "steps": 500, **settings})
    return finish(mfc.condense(train, config, n_classes=4, seed=0, device="cpu"))


def telling(condensed, **info):
    """The same cover with other claims."""
    return replace(condensed, info=condensed.info.with_more(**info))


def entry(condensed, name, value, at=2):
    """A listed claim with one class's entry changed."""
    return {name: [value if label == at else old for label, old in enumerate(getattr(condensed.info, name))]}


@pytest.mark.parametrize("levels", [255, 0])
@pytest.mark.parametrize("asked", [{"ipc": 3}, {"radius": 0.3}])
def test_every_false_claim_about_being_best_is_found(levels, asked):
    train = split(levels)
    good, open_ = cover(train, **asked), cover(train, **asked, rounds=0, nodes=0)
    assert good.info.proven and not open_.info.proven
    assert certify(train, good).valid and certify(train, open_).valid
    name = "lower_bound_radius" if "ipc" in asked else "lower_bound_k"
    more = 1.001 if "ipc" in asked else 2
    bound, radius = (getattr(good.info, told)[2] for told in ("lower_bound_per_class", "radius_per_class"))
    for liar, lie, words in (
        (good, entry(good, "lower_bound_per_class", bound * more), "false proof: class 2"),
        (good, entry(good, "lower_bound_per_class", 1.0, at=1), "false proof: class 1"),
        (good, {name: getattr(good.info, name) * more}, "of all classes"),
        (open_, entry(open_, "proven_per_class", True), "class 2 is called proven"),
        (open_, {"proven": True}, "called proven, but above the lower bound in classes 0, 2"),
        (open_, {"optimal": "proven optimal"}, "called proven, but above"),
        (open_, {"gap": 0.0}, "gap of all classes understated"),
        (open_, entry(open_, "gap_per_class", 0.0), "gap of class 2 understated"),
        (good, {"lower_bound_k": None, "lower_bound_radius": None}, "called proven without a lower bound"),
        (good, entry(good, "radius_per_class", radius * 0.999), "radius_per_class understated"),
        (good, entry(good, "k_per_class", 1), "k_per_class understated"),
        (good, entry(good, "lower_bound_per_class", float("nan")), "expected a number"),
        (good, {"gap_per_class": (0.0, 0.0)}, "expected a number"),
    ):  # fmt: skip
        found = certify(train, telling(liar, **lie)).violations
        assert any(words in sentence for sentence in found), (words, found)


@pytest.mark.parametrize("off", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("norm", NORMS)
def test_the_tolerance_for_floats_excuses_rounding_only(norm, off):
    train = split(levels=0)
    good = cover(train, norm=norm, ipc=3)
    assert certify(train, replace(good, radius=good.radius * (1 - 1e-14))).valid
    for lie in (
        replace(good, radius=good.radius * (1 - off)),
        replace(good, ball_radius=good.ball_radius * (1 - off)),
        telling(good, **entry(good, "lower_bound_per_class", good.info.lower_bound_per_class[2] * (1 + off))),
        telling(good, **entry(good, "lower_bound_per_class", good.info.lower_bound_per_class[2] * (1 - off))),
    ):
        assert not certify(train, lie).valid


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("levels", [255, 0])
def test_an_attack_derives_true_bounds_again_and_beats_false_ones(levels, norm):
    """k-center that calls its own radius the smallest contradicts nothing in itself: only a better cover shows it."""
    train = split(levels)
    for asked in ({"ipc": 3}, {"radius": 0.3 if norm == "Linf" else 0.5}):
        good = cover(train, norm=norm, **asked)
        found = finish(attack(train, good))
        assert found.claimed == found.derived == 2 and not found.beaten
    plain = finish(k_center.condense(train, k_center.Config(ipc=3, norm=norm), n_classes=4, seed=0, device="cpu"))
    radii = [None if own == 0 else own for own in plain.info.radius_per_class]
    lie = telling(plain, lower_bound_radius=plain.radius, lower_bound_per_class=radii, proven=True, gap=0.0)
    assert certify(train, lie).valid
    found = finish(attack(train, lie))
    assert found.derived + len(found.beaten) == 2 and "false proof: class 2" in found.beaten[-1]
    few = cover(train, norm=norm, radius=good.radius)
    count = few.info.k_per_class[2]
    most = replace(few, radius=few.radius * 1.5, ball_radius=few.ball_radius * 1.5)
    lie = telling(most, lower_bound_per_class=[1, None, count, None], lower_bound_k=1 + count, gap=0.0, proven=False)
    assert "cover by" in finish(attack(train, lie)).beaten[0]


def test_an_attack_without_the_memory_says_nothing():
    train = split()
    found = finish(attack(train, cover(train, ipc=3), replace(QUICK, memory=1_000)))
    assert (found.claimed, found.derived, found.beaten) == (2, 0, ())


def test_false_frontiers_are_found_and_true_ones_pass():
    for seed in range(30):
        rows, metric, _ = problem(seed)
        found = finish(frontier(rows, metric, len(rows), Effort(steps=300), seed))
        assert false_frontier(rows, metric, found, QUICK) == [], seed
    rows, metric = np.array([[0], [1], [50], [52], [100], [103]], np.uint8), Metric("L1", 255)
    good = finish(frontier(rows, metric, 4, Effort(steps=300), 0))
    assert good.radius.tolist() == [metric.radius(steps) for steps in (51, 48, 3, 2)] or good.proven.all()
    lies = {
        "are said to reach": replace(good, radius=good.lower * 0.99, lower=good.lower * 0.99),
        "proven True": replace(good, lower=good.lower * 0.5),
        "below the lower bound": replace(
            good, radius=good.radius[[0, 0, 2, 3]], lower=good.lower[[0, 0, 2, 3]],
            centres=(good.centres[0], good.centres[0], *good.centres[2:]),
        ),
        "must not grow": replace(good, lower=good.lower[[3, 2, 3, 3]], proven=np.zeros(4, bool)),
    }  # fmt: skip
    for words, lie in lies.items():
        found = false_frontier(rows, metric, lie, QUICK)
        assert any(words in sentence for sentence in found), (words, found)
