"""Randomised smoothing against what is known exactly: the binomial limit, and the distances of linear models."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, norm

from core.certificates.smoothing import Smoothing, certify, lower_limit, radius_of
from core.errors import ConfigError
from core.events import finish

HOW = Smoothing(sigma=0.25, n0=50, n=400, alpha=0.01)


@pytest.mark.parametrize("hits", [0, 1, 40, 99, 100])
@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_the_limit_is_that_of_clopper_and_pearson(hits, alpha):
    expected = binomtest(hits, 100, alternative="greater").proportion_ci(1 - alpha, "exact").low
    assert lower_limit(hits, 100, alpha) == pytest.approx(expected, abs=1e-9)


def test_the_longest_radius_is_known_and_half_the_votes_certify_nothing():
    assert radius_of(HOW.n, HOW) == pytest.approx(0.25 * norm.ppf(0.01 ** (1 / 400)))
    assert radius_of(HOW.n // 2, HOW) == 0
    radii = [radius_of(hits, HOW) for hits in range(HOW.n + 1)]
    assert radii == sorted(radii)


def test_of_a_linear_model_no_more_than_its_distance_is_certified():
    """The smoothed linear model is the model itself, and the exact radius its distance to the boundary."""
    source = torch.Generator().manual_seed(1)
    w = torch.randn(2, 16, generator=source)
    x = torch.rand(60, 1, 4, 4, generator=source)
    bias = -(w @ x.flatten(1).mean(0))

    def model(images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ w.T + bias

    gap = model(x)[:, 0] - model(x)[:, 1]
    distance = (gap.abs() / (w[0] - w[1]).norm()).numpy()
    found = [finish(certify(model, image, HOW, seed)) for seed, image in enumerate(x)]
    radius = np.array([radius for _, radius in found])
    within = distance < 0.9 * radius_of(HOW.n, HOW)
    assert (radius <= distance).mean() >= 0.97  # a radius is wrong with probability alpha = 0.01
    assert ((radius > 0.4 * distance) | ~within | (distance < 0.1)).all()
    assert (np.array([label for label, _ in found]) == model(x).argmax(1).numpy())[radius > 0].all()


def test_the_same_seed_certifies_the_same_and_the_global_stream_is_left_alone():
    image, before = torch.full((1, 3, 3), 0.5), torch.get_rng_state()

    def model(images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, :3]

    assert finish(certify(model, image, HOW, 3)) == finish(certify(model, image, HOW, 3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("changes", [{"sigma": 0.0}, {"n": 0}, {"alpha": 1.0}])
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(ConfigError, match="smoothing needs"):
        Smoothing(**changes)
