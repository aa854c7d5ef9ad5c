"""The one operation for norm, ReLU and pooling against PyTorch's own three."""

import pytest
import torch
from torch import nn

from core.networks.fused import Blocks, NormReluPool, fits, slow
from core.networks.model import build

SHAPES = [(3, 4, 8, 8), (2, 3, 7, 5), (1, 1, 2, 2), (5, 2, 28, 28), (1, 3, 3, 2)]


def draw(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator)
    weight, bias = torch.randn(shape[1], generator=generator), torch.randn(shape[1], generator=generator)
    return x, weight, bias


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_values_and_gradients_equal_the_plain_operations(shape, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = []
        for operation in (NormReluPool.apply, slow):
            parts = [part.requires_grad_() for part in draw(shape)]
            out = operation(*parts, 1e-5)
            weights = torch.linspace(-1, 1, out.numel()).view_as(out)
            found.append((out.detach(), *torch.autograd.grad((out * weights).sum(), parts)))
    finally:
        torch.set_num_threads(before)
    for mine, plain in zip(*found, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-5)


def test_a_view_is_taken_by_the_network_and_keeps_its_gradient():
    norm = nn.GroupNorm(3, 3)
    fused, plain = Blocks(norm, nn.ReLU(), nn.AvgPool2d(2)), nn.Sequential(norm, nn.ReLU(), nn.AvgPool2d(2))
    whole = draw((2, 3, 12, 6))[0].requires_grad_()
    found = [torch.autograd.grad(body(whole[:, :, ::2]).square().sum(), whole)[0] for body in (fused, plain)]
    assert found[0].abs().max() > 0
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_constant_planes_give_the_bias():
    x = torch.full((2, 3, 6, 6), 0.7)
    weight, bias = torch.ones(3), torch.tensor([0.5, -0.5, 0.0])
    found = NormReluPool.apply(x, weight, bias, 1e-5)
    torch.testing.assert_close(found, slow(x, weight, bias, 1e-5), rtol=0, atol=1e-3)  # rounding is blown up by 300
    torch.testing.assert_close(found, bias.relu().view(1, 3, 1, 1).expand(2, 3, 3, 3), rtol=0, atol=1e-3)


def test_the_gradient_of_a_gradient_is_that_of_the_plain_operations():
    found = []
    for operation in (NormReluPool.apply, slow):
        x, weight, bias = (part.requires_grad_() for part in draw((2, 3, 6, 6)))
        (first,) = torch.autograd.grad(operation(x, weight, bias, 1e-5).square().sum(), weight, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), x)[0])
    assert found[0].abs().max() > 0
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)


def test_a_convnet_says_the_same_and_keeps_the_names_of_its_weights():
    network = build("convnet", {"width": 8}, (3, 13, 9), 5, (0.1, 0.2, 0.3), (0.3, 0.2, 0.1), seed=0)
    plain = build("convnet", {"width": 8}, (3, 13, 9), 5, (0.1, 0.2, 0.3), (0.3, 0.2, 0.1), seed=0)
    plain.body = nn.Sequential(*plain.body)
    assert isinstance(network.body, Blocks) and list(network.state_dict()) == list(plain.state_dict())
    x = torch.rand(4, 3, 13, 9, generator=torch.Generator().manual_seed(1))
    found = []
    for model in (network, plain):
        at = x.clone().requires_grad_()
        logits = model(at)
        found.append((logits.detach(), *torch.autograd.grad(logits.square().sum(), [at, *model.parameters()])))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_other_kinds_of_input_go_the_plain_way():
    x = torch.rand(2, 3, 4, 4)
    assert fits(x) and not fits(x.double()) and not fits(x[:0])
    seen = []
    torch.func.vmap(lambda part: seen.append(fits(part)) or part)(x)
    assert seen == [False]
    with torch.autocast("cpu", torch.bfloat16):
        assert not fits(x)
