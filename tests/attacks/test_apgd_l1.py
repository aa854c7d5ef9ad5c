"""APGD for L1: within ball and box, at the exact margin of linear models, and towards the class it aims at."""

import pytest
import torch

from core.attacks.apgd_l1 import apgd_l1, apgd_l1_targeted, targeted_dlr
from core.attacks.projections import lengths
from tests.attacks.linear_truth import exact, linear


def source() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("eps", [0.3, 1.0, 3.0])
def test_one_run_in_the_right_ball_finds_what_there_is(eps):
    model, x, y = linear(2)
    moved = apgd_l1(model, x, y, eps=eps, steps=100, generator=source())
    assert float(lengths(moved - x, "L1").max()) <= eps * (1 + 1e-5)
    assert float(moved.min()) >= 0 and float(moved.max()) <= 1
    standing = (model(moved).argmax(1) == y).numpy()
    truth = exact(model, x, y, "L1", eps)
    assert not (truth & ~standing).any()
    assert standing.mean() <= truth.mean() + 0.005


def test_the_targeted_form_reaches_what_lies_behind_other_classes():
    """Every image falls that the exact answer lets fall, with all nine targets in turn."""
    model, x, y = linear(10)
    moved = apgd_l1_targeted(model, x, y, eps=2.0, steps=50, generator=source(), targets=9)
    standing = (model(moved).argmax(1) == y).numpy()
    assert abs(standing.mean() - exact(model, x, y, "L1", 2.0).mean()) <= 0.005


def test_the_targeted_loss_is_that_of_the_paper():
    out = torch.tensor([[3.0, 1.0, 0.5, -2.0, 0.0]])
    loss = targeted_dlr(lambda x: x, out, 3)  # the third best class is 2
    expected = -(3.0 - 0.5) / (3.0 - (0.5 + 0.0) / 2)
    assert float(loss(out, torch.tensor([0]))) == pytest.approx(expected)


def test_the_same_source_gives_the_same_images():
    model, x, y = linear(10)
    first, second = (apgd_l1(model, x[:20], y[:20], eps=1.0, steps=10, generator=source()) for _ in range(2))
    assert torch.equal(first, second)
