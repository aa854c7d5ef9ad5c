"""What attacks maximise, from the definitions, one row at a time."""

import pytest
import torch

from core.attacks.losses import LOSSES

OUT = torch.randn(40, 6, generator=torch.Generator().manual_seed(3)) * 3
Y = torch.arange(40) % 6


def rows(loss, y=Y):
    return LOSSES[loss](OUT, y).tolist()


def test_the_margin_is_positive_exactly_when_misclassified():
    margin = rows("margin")
    for out, label, found in zip(OUT.tolist(), Y.tolist(), margin, strict=True):
        wrong = max(value for place, value in enumerate(out) if place != label)
        assert found == pytest.approx(wrong - out[label], abs=1e-5)
    broken = (OUT.argmax(1) != Y).tolist()
    assert [value > 0 for value in margin] == broken and 0 < sum(broken) < len(broken)


def test_dlr_is_equation_six():
    """-(z_y - max_{i != y} z_i) / (z_pi1 - z_pi3), sorted downwards, arXiv:2003.01690."""
    for out, label, found in zip(OUT.tolist(), Y.tolist(), rows("dlr"), strict=True):
        first, _, third, *_ = sorted(out, reverse=True)
        wrong = max(value for place, value in enumerate(out) if place != label)
        assert found == pytest.approx(-(out[label] - wrong) / (first - third), rel=1e-4)


def test_cross_entropy_and_squared_error_by_hand():
    for out, label, ce, mse in zip(OUT, Y.tolist(), rows("ce"), rows("mse"), strict=True):
        assert ce == pytest.approx(float(out.exp().sum().log() - out[label]), rel=1e-5, abs=1e-5)
        target = torch.full((6,), -1 / 6)
        target[label] += 1
        assert mse == pytest.approx(float((out - target).square().sum()), rel=1e-5)
