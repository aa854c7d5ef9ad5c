"""DeepFool and Carlini-Wagner find the exact distance to the boundary of a linear model."""

import pytest
import torch
from torch import nn

from core.attacks import carlini_wagner, deepfool
from core.attacks.projections import NORMS, lengths

DUAL = {"Linf": "L1", "L2": "L2", "L1": "Linf"}


def linear(n_classes: int) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(n_classes)
    layer = nn.Linear(25, n_classes).requires_grad_(False)
    layer.weight.copy_(torch.randn(n_classes, 25, generator=source))
    x = 0.45 + 0.1 * torch.rand(20, 1, 5, 5, generator=source)
    layer.bias.copy_(-(layer.weight @ x.flatten(1).mean(0)))
    model = nn.Sequential(nn.Flatten(), layer)
    return model, x, model(x).argmax(1)


def exact(model: nn.Module, x: torch.Tensor, y: torch.Tensor, norm: str) -> torch.Tensor:
    """Distance to the nearest of the C - 1 half-spaces."""
    out, w = model(x), model[1].weight
    every = []
    for k in range(out.shape[1]):
        gap = out[torch.arange(len(x)), y] - out[:, k]
        every.append(torch.where(y == k, torch.inf, gap / lengths(w[y] - w[k], DUAL[norm])))
    return torch.stack(every).amin(0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n_classes", [2, 5])
def test_deepfool_is_exact_on_linear_models(norm, n_classes):
    model, x, y = linear(n_classes)
    found = deepfool(model, x, y, norm=norm, overshoot=1e-3)
    distance = exact(model, x, y, norm)
    inside = distance < 0.4  # the box does not cut the shortest way
    assert int(inside.sum()) > 10
    torch.testing.assert_close(found.length[inside], distance[inside], rtol=5e-3, atol=1e-5)
    assert bool((model(found.adversarial).argmax(1) != y)[inside].all())


@pytest.mark.parametrize("n_classes", [2, 5])
def test_carlini_wagner_is_nearly_exact_on_linear_models(n_classes):
    model, x, y = linear(n_classes)
    found = carlini_wagner(model, x, y, steps=200, searches=8)
    distance = exact(model, x, y, "L2")
    assert bool((found.length >= distance - 1e-5).all())
    assert float((found.length / distance.clamp_min(0.02)).median()) < 1.05


@pytest.mark.parametrize("attack", [lambda *a: deepfool(*a, norm="L2"), lambda *a: carlini_wagner(*a, steps=50)])
def test_lengths_belong_to_the_images_returned(attack):
    model, x, y = linear(5)
    y[0] = (y[0] + 1) % 5
    found = attack(model, x, y)
    assert float(found.length[0]) == 0 and torch.equal(found.adversarial[0], x[0])
    torch.testing.assert_close(lengths(found.adversarial - x, "L2"), found.length, rtol=1e-5, atol=1e-6)
    assert float(found.adversarial.min()) >= 0 and float(found.adversarial.max()) <= 1


def test_a_model_that_cannot_be_fooled_has_infinite_distance():
    model, x, y = linear(5)
    model[1].weight *= 1e-3
    model[1].bias.copy_(torch.tensor([1.0, 0, 0, 0, 0]))
    y = torch.zeros_like(y)
    assert deepfool(model, x, y, norm="L2", steps=5).length.isinf().all()
    assert carlini_wagner(model, x, y, steps=10, searches=2).length.isinf().all()
