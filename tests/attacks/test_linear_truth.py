"""Attacks against the exact robust accuracy of linear models with the box: within half a point, in every norm."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from core.attacks import autoattack, pgd
from core.attacks.projections import lengths
from core.certificates.pair import least
from tests.attacks.linear_truth import exact, gain, linear

BUDGETS = {"Linf": (0.03, 0.08), "L2": (0.25, 0.6), "L1": (0.6, 1.5)}
CASES = [(norm, eps) for norm, budgets in BUDGETS.items() for eps in budgets]
KINDS = {"Linf": 0, "L2": 1, "L1": 2}


def share(robust: torch.Tensor) -> float:
    return float(robust.double().mean())


@pytest.mark.parametrize(("norm", "eps"), CASES)
@pytest.mark.parametrize("steps", [20, 100])
def test_pgd_finds_all_there_is_between_two_classes(norm, eps, steps):
    model, x, y = linear(2)
    moved = pgd(model, x, y, norm=norm, eps=eps, steps=steps, loss="margin", generator=torch.Generator().manual_seed(0))
    truth = exact(model, x, y, norm, eps).mean()
    assert 0.2 < truth < 0.92
    assert float(lengths(moved - x, norm).max()) <= eps * (1 + 1e-5)
    assert truth - 1e-9 <= share(model(moved).argmax(1) == y) <= truth + 0.005


@pytest.mark.parametrize(("norm", "eps"), CASES)
@pytest.mark.parametrize("n_classes", [2, 10])
def test_autoattack_finds_all_there_is(norm, eps, n_classes):
    model, x, y = linear(n_classes)
    found = autoattack(model, x[:100], y[:100], norm=norm, eps=eps, n_classes=n_classes, seed=0, preset="quick")
    truth = exact(model, x[:100], y[:100], norm, eps).mean()
    assert truth - 1e-9 <= share(found.robust) <= truth + 0.01  # one of a hundred images, with a tenth of the steps


@pytest.mark.parametrize("norm", BUDGETS)
def test_one_step_is_the_best_one_however_many_pixels_stand_at_the_box(norm):
    """A step as long as eps from the image itself ends at the maximum of the linear loss over ball and box."""
    model, x, y = linear(2)
    eps = BUDGETS[norm][1]
    moved = pgd(model, x, y, norm=norm, eps=eps, steps=1, step_size=eps, loss="margin", random_start=False, keep="last")
    g = (model[1].weight[1] - model[1].weight[0]).double().numpy()
    for image, other, right in zip(x.flatten(1).double().numpy(), moved.flatten(1).double().numpy(), y, strict=True):
        up = g if right == 0 else -g
        best = gain(np.abs(up), np.where(up > 0, 1 - image, image), norm, eps)
        reached = up @ (other - image)
        # in L1 one step moves only the steepest pixels, which may have no more room
        assert 0 < reached <= best * (1 + 1e-5)
        assert norm == "L1" or reached > 0.97 * best


def test_the_truth_is_that_of_a_linear_programme_and_of_the_certificate():
    model, x, _ = linear(2)
    g = (model[1].weight[1] - model[1].weight[0]).double().numpy()
    for image in x[:5].flatten(1).double().numpy():
        room, w, size = np.where(g > 0, 1 - image, image), np.abs(g), len(g)
        for norm, eps in CASES:
            best = gain(w, room, norm, eps)
            start, end = np.where(g > 0, image, 1 - image), np.zeros(size)
            shortest = least(np.ascontiguousarray(start), end, w.copy(), best * 0.999, KINDS[norm], 0.0, np.inf)
            assert shortest <= eps < least(start, end, w.copy(), best * 1.001, KINDS[norm], 0.0, np.inf)
            if norm == "L1":
                bounds = [(0, r) for r in room]
                found = linprog(-w, A_ub=np.ones((1, size)), b_ub=[eps], bounds=bounds)
                assert best == pytest.approx(-found.fun, rel=1e-8)
