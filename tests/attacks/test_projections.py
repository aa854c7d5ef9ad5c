"""Properties of the projections, steps and starts, and the L1 projection against a slow, obvious one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.attacks.projections import NORMS, lengths, project, random_start, steepest
from core.errors import ConfigError

cases = given(seed=st.integers(0, 10_000), radius=st.floats(0, 4), spread=st.floats(0.01, 3))
few = settings(max_examples=40, deadline=None)


def sample(seed: int, spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Images, a third of their pixels at the ends of the box, and where they were moved to."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(4, 1, 3, 3, generator=generator, dtype=torch.float64) * 1.5 - 0.25
    x = x.clamp(0, 1)
    return x, x + spread * torch.randn(x.shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("norm", NORMS)
@few
@cases
def test_a_projection_lands_inside_and_stays(norm, seed, radius, spread):
    x, moved = sample(seed, spread)
    eps = torch.tensor([0.0, radius / 4, radius / 2, radius], dtype=torch.float64)
    once = project(moved, x, norm, eps)
    assert bool((lengths(once - x, norm) <= eps + 1e-9).all())
    assert float(once.min()) >= 0 and float(once.max()) <= 1
    assert torch.equal(once[0], x[0])
    torch.testing.assert_close(project(once, x, norm, eps), once, rtol=0, atol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@few
@cases
def test_points_inside_do_not_move(norm, seed, radius, spread):
    x, moved = sample(seed, spread)
    moved = moved.clamp(0, 1)
    torch.testing.assert_close(project(moved, x, norm, lengths(moved - x, norm) + 1e-9), moved, rtol=0, atol=1e-9)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_an_image_that_is_no_number_holds_nobody_up(norm, odd):
    """A network that diverged gives such gradients; the others come out as without it."""
    x, moved = sample(0, 1.0)
    eps = torch.full((4,), 0.5, dtype=torch.float64)
    wanted = project(moved, x, norm, eps)
    moved[2, 0, 1, 1] = odd
    found = project(moved, x, norm, eps)
    assert torch.equal(found[[0, 1, 3]], wanted[[0, 1, 3]])


@pytest.mark.parametrize("norm", NORMS)
@few
@cases
def test_no_feasible_point_is_nearer(norm, seed, radius, spread):
    # Variational inequality of a projection on a convex set: <moved - p, z - p> <= 0 for feasible z.
    x, moved = sample(seed, spread)
    eps = torch.full((4,), radius, dtype=torch.float64)
    p = project(moved, x, norm, eps)
    for other in range(20):
        z = random_start(x.float(), norm, eps.float(), torch.Generator().manual_seed(other)).double()
        inner = ((moved - p) * (project(z, x, norm, eps) - p)).flatten(1).sum(1)
        assert float(inner.max()) <= 1e-6


@few
@cases
def test_l1_equals_bisection_on_the_threshold(seed, radius, spread):
    x, moved = sample(seed, spread)
    delta = moved - x
    room = torch.where(delta > 0, 1 - x, x)
    for i in range(4):
        low, high = 0.0, float(delta[i].abs().max())
        kept = torch.minimum(delta[i].abs(), room[i])
        if float(kept.sum()) > radius:
            for _ in range(80):
                cut = (low + high) / 2
                kept = torch.minimum((delta[i].abs() - cut).clamp_min(0), room[i])
                low, high = (cut, high) if float(kept.sum()) > radius else (low, cut)
        expected = x[i] + kept * delta[i].sign()
        found = project(moved[i : i + 1], x[i : i + 1], "L1", torch.tensor([radius], dtype=torch.float64))[0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


@few
@cases
def test_l2_equals_bisection_on_the_scale(seed, radius, spread):
    x, moved = sample(seed, spread)
    delta = moved - x
    room = torch.where(delta > 0, 1 - x, x)
    for i in range(4):
        low, high = 0.0, 1.0
        for _ in range(80):
            scale = (low + high) / 2
            inside = float(torch.minimum(scale * delta[i].abs(), room[i]).norm()) <= radius
            low, high = (scale, high) if inside else (low, scale)
        expected = x[i] + torch.minimum(low * delta[i].abs(), room[i]) * delta[i].sign()
        found = project(moved[i : i + 1], x[i : i + 1], "L2", torch.tensor([radius], dtype=torch.float64))[0]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e20])
def test_steps_have_length_one_whatever_the_scale_of_the_gradient(norm, scale):
    x = torch.full((3, 1, 4, 4), 0.5)
    grad = scale * torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    grad[2] = 0
    step = steepest(grad, x, norm)
    torch.testing.assert_close(lengths(step, norm), torch.tensor([1.0, 1.0, 0.0]))
    assert bool(((step * grad).flatten(1).sum(1) >= 0).all())


@pytest.mark.parametrize("norm", NORMS)
def test_starts_fill_the_ball(norm):
    x = torch.full((2000, 1, 2, 2), 0.5)
    eps = torch.full((2000,), 0.4)
    lengths_ = lengths(random_start(x, norm, eps, torch.Generator().manual_seed(0)) - x, norm) / 0.4
    assert float(lengths_.max()) <= 1 + 1e-6
    # uniform in a 4-dimensional ball: P(length <= r) = r ** 4
    for r in (0.5, 0.8, 0.95):
        assert abs(float((lengths_ <= r).float().mean()) - r**4) < 0.035


def test_an_unknown_norm_is_named():
    with pytest.raises(ConfigError, match="Linf, L2, L1"):
        lengths(torch.zeros(1, 1, 1, 1), "L7")
