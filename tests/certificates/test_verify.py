"""Radii verified from the pixels: what is proven holds, and a little more than an attack needs does not."""

import numpy as np
import pytest

from core.certificates.line import towards_each
from core.certificates.nearest import Centres, prove
from core.certificates.verify import holds
from core.errors import ConfigError
from core.events import finish


def case(seed: int, foreign: int = 4) -> tuple[np.ndarray, np.ndarray, Centres]:
    rng = np.random.default_rng(seed)
    x = rng.random((30, 12)).round(1)  # some pixels at the ends of the box
    return x, np.zeros(30, np.int64), Centres.of(rng.random((foreign + 2, 12)), np.array([0, 0] + [1] * foreign))


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("seed", range(4))
def test_proven_radii_hold_and_those_that_an_attack_beats_do_not(norm, seed):
    x, y, centres = case(seed)
    radius = finish(prove(x, y, centres, norm)).radius
    assert finish(holds(x, y, radius, centres, norm)).all()
    eps = 0.3 if norm == "Linf" else 0.8
    _, fell = finish(towards_each(x, y, centres, norm, eps))
    assert fell.any() and not finish(holds(x, y, np.full(len(x), eps), centres, norm))[fell].any()


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
def test_between_two_centres_the_proven_radius_is_the_longest_that_holds(norm):
    x, y, _ = case(5)
    centres = Centres.of(np.random.default_rng(6).random((2, 12)), np.array([0, 1]))
    radius = finish(prove(x, y, centres, norm)).radius
    some = (radius > 0) & np.isfinite(radius)
    assert some.sum() > 5 and not finish(holds(x, y, radius * 1.001, centres, norm))[some].any()


def test_no_radius_claims_nothing_and_what_is_no_length_is_refused():
    x, y, centres = case(0)
    assert finish(holds(x, y + 1, np.zeros(len(x)), centres, "L2")).all()
    with pytest.raises(ConfigError, match="at least 0"):
        finish(holds(x, y, np.full(len(x), -1.0), centres, "L2"))
