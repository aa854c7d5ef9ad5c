"""Interval bounds: exact on one linear layer, below every attack on networks, refused where unsound."""

import pytest
import torch
from torch import nn

from core.attacks import certified, pgd
from core.errors import ConfigError
from core.networks.model import build


def test_one_linear_layer_is_exact_even_at_the_box():
    source = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 2).requires_grad_(False))
    model[1].weight.copy_(torch.randn(2, 9, generator=source))
    x = torch.rand(50, 1, 3, 3, generator=source)
    model[1].bias.copy_(-(model[1].weight @ x.flatten(1).mean(0)))
    y = model(x).argmax(1)
    found = 0
    for eps in (0.02, 0.05, 0.1, 0.3):
        w = model[1].weight[1 - y] - model[1].weight[y]
        corner = torch.where(w > 0, (x.flatten(1) + eps).clamp_max(1), (x.flatten(1) - eps).clamp_min(0))
        worst = (w * corner).sum(1) + model[1].bias[1 - y] - model[1].bias[y]
        proven = certified(model, x, y, eps=eps)
        assert torch.equal(proven[worst.abs() > 1e-5], (worst < 0)[worst.abs() > 1e-5])
        found += int(proven.sum())
    assert 0 < found < 200


@pytest.mark.parametrize(("name", "shape"), [("mlp", (1, 8, 8)), ("small-cnn", (1, 12, 12)), ("lenet", (3, 16, 16))])
def test_what_is_proven_no_attack_breaks(name, shape):
    model = build(name, {}, shape, 5, (0.4,) * shape[0], (0.3,) * shape[0], seed=0)
    x = torch.rand(40, *shape, generator=torch.Generator().manual_seed(0))
    y = model(x).argmax(1)
    shares = []
    for eps in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        proven = certified(model, x, y, eps=eps)
        attacked = pgd(model, x, y, norm="Linf", eps=eps, steps=20, loss="margin", generator=torch.Generator())
        assert bool((model(attacked).argmax(1) == y)[proven].all())
        shares.append(float(proven.float().mean()))
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.5 > shares[-1]


def test_wrong_images_are_never_certified():
    model = build("mlp", {}, (1, 8, 8), 5, (0.4,), (0.3,), seed=0)
    x = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert not certified(model, x, (model(x).argmax(1) + 1) % 5, eps=1e-5).any()


def test_layers_that_intervals_cannot_pass_are_named():
    convnet = build("convnet", {"width": 4}, (1, 8, 8), 5, (0.4,), (0.3,), seed=0)
    x, y = torch.rand(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ConfigError, match="GroupNorm"):
        certified(convnet, x, y, eps=0.1)
    with pytest.raises(ConfigError, match="last layer"):
        certified(nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU()), x, y, eps=0.1)
