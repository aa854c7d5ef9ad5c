"""Kernels against stored values, closed forms, finite differences, finite networks, and each other."""

from itertools import product
from math import pi
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.errors import ConfigError
from core.kernels import conv_nngp, conv_ntk, engine, fc_nngp, fc_ntk
from core.kernels.layout import FLAT, GAP

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TAGS = ("fc1_b0", "fc3_b0", "fc3_b0.1", "fc7_b0.1", "conv2_flat_b0.1", "conv2_gap_b0.1")
CONV = (("flat", FLAT), ("gap", GAP))

needs_references = pytest.mark.skipif(
    not (SHARED / "reference" / "ntk.npz").exists() or not (SHARED / "data" / "mnist.npz").exists(),
    reason="needs ../shared/reference/ntk.npz and ../shared/data/mnist.npz",
)


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def recorded(x: Tensor, z: Tensor, depth: int, bias_std: float, layout=None) -> Tensor:
    """The recursion as the papers write it, with acos and autograd; x (n, c, h, w), layout None is fc."""
    b2, features = bias_std**2, x.shape[1] if layout else x[0].numel()
    if layout is None:
        x, z, spread_x, spread_z = x.flatten(1), z.flatten(1), lambda q: q[:, None], lambda q: q[None]
        s, mean = 2 * x @ z.T / features + b2, lambda a: a
        q_x, q_z = ((a * a).sum(1) * 2 / features + b2 for a in (x, z))
        mean_q = mean
    else:
        gap = layout is GAP
        x, z = x.permute(2, 3, 0, 1), z.permute(2, 3, 0, 1)
        mean, mean_q = (lambda a: neighbours(a, 4 if gap else 2)), lambda a: neighbours(a, 2)
        left, right = (x[:, :, None, None], z[None, None]) if gap else (x, z)
        s = mean((left[..., :, None, :] * right[..., None, :, :]).sum(-1) * 2 / features) + b2
        q_x, q_z = (mean_q((a * a).sum(-1) * 2 / features) + b2 for a in (x, z))

        def spread_x(q):
            return q[:, :, None, None, :, None] if gap else q[..., :, None]

        def spread_z(q):
            return q[None, None, :, :, None, :] if gap else q[..., None, :]

    t = s
    for layer in range(depth):
        n = (spread_x(q_x) * spread_z(q_z)).sqrt()
        angle = (s / n).clamp(-1, 1).acos()  # only rounding leaves the range
        k = (pi - angle) / (2 * pi)
        s_next = 2 * (n * angle.sin() / (2 * pi) + s * k)
        t_next = 2 * k * t
        if layer == depth - 1 and layout is not None:
            axes = tuple(range(s.ndim - 2))
            s_next, t_next = s_next.mean(axes), t_next.mean(axes)
        elif layout is not None:
            s_next, t_next = mean(s_next), mean(t_next)
        s, t = s_next + b2, s_next + b2 + t_next
        q_x, q_z = mean_q(q_x) + b2, mean_q(q_z) + b2
    return t


def neighbours(a: Tensor, axes: int) -> Tensor:
    """Mean over 3 by 3 windows with zeros outside; with 4 axes (h, w, H, W) both windows move together."""
    total = torch.zeros_like(a)
    height, width = a.shape[0], a.shape[1]
    for dy, dx in product((-1, 0, 1), repeat=2):
        to = (slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx)))
        come = (slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx)))
        part = torch.zeros_like(a)
        part[to * (axes // 2)] = a[come * (axes // 2)]
        total = total + part
    return total / 9


@needs_references
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_reference_values_and_gradients(tag: str, dtype: torch.dtype):
    with np.load(SHARED / "reference" / "ntk.npz") as stored, np.load(SHARED / "data" / "mnist.npz") as mnist:
        images = torch.tensor(mnist["x_test"][stored["test_indices"]], dtype=torch.float64) / 255
        expected = {name: torch.tensor(stored[f"{tag}_{name}"]) for name in ("k", "gx", "gz")}
        weights = torch.tensor(stored["R"])
    family, bias = tag.split("_")[0], float(tag.rsplit("b", 1)[1])
    if "gap" in tag:
        images = images[:, 9:19, 9:19]
    x, z = (part.to(dtype).requires_grad_() for part in (images[:12], images[12:]))
    if family.startswith("fc"):
        found = fc_ntk(x.flatten(1), z.flatten(1), int(family[2:]), bias)
        value, gradient = (1e-12, 1e-12) if dtype == torch.float64 else (2e-6, 2e-6)
    else:
        found = conv_ntk(x[:, None], z[:, None], int(family[4:]), bias, "gap" if "gap" in tag else "flat")
        value, gradient = (1e-9, 5e-9) if dtype == torch.float64 else (2e-5, 5e-3)
    g_x, g_z = torch.autograd.grad((found * weights.to(dtype)).sum(), (x, z))
    assert ((found - expected["k"]).abs() / expected["k"].abs()).max() < value
    for got, name in ((g_x, "gx"), (g_z, "gz")):
        want = expected[name].view(got.shape)
        assert (got - want).abs().max() / want.abs().max() < gradient


def test_depth_one_is_the_textbook_formula():
    x, z = draw(5, 7), draw(4, 7, seed=1)
    norms = x.norm(dim=1)[:, None] * z.norm(dim=1)
    angle = (x @ z.T / norms).acos()
    arc1 = (angle.sin() + (pi - angle) * angle.cos()) / pi
    arc0 = (pi - angle) / pi
    assert torch.allclose(fc_nngp(x, z, depth=1), 2 / 7 * norms * arc1, rtol=1e-13)
    assert torch.allclose(fc_ntk(x, z, depth=1), 2 / 7 * norms * (arc1 + angle.cos() * arc0), rtol=1e-13)


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("bias_std", [0.0, 0.3])
@pytest.mark.parametrize("layout", [None, FLAT, GAP], ids=["fc", "flat", "gap"])
def test_value_and_gradient_equal_the_recorded_recursion(depth: int, bias_std: float, layout):
    x, z = draw(3, 2, 4, 3).requires_grad_(), draw(2, 2, 4, 3, seed=1).requires_grad_()
    if layout is None:
        found = fc_ntk(x.flatten(1), z.flatten(1), depth, bias_std)
    else:
        found = conv_ntk(x, z, depth, bias_std, "gap" if layout is GAP else "flat")
    expected = recorded(x, z, depth, bias_std, layout)
    weights = draw(3, 2, seed=2)
    assert torch.allclose(found, expected, rtol=1e-11, atol=1e-13)
    for got, want in zip(
        torch.autograd.grad((found * weights).sum(), (x, z)),
        torch.autograd.grad((expected * weights).sum(), (x, z)),
        strict=True,
    ):
        assert torch.allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("bias_std", [0.0, 0.2])
@pytest.mark.parametrize("kernel", [fc_ntk, fc_nngp])
def test_gradcheck_fully_connected(kernel, bias_std: float):
    x, z = draw(3, 5).requires_grad_(), draw(2, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: kernel(a, b, 3, bias_std), (x, z))
    assert torch.autograd.gradcheck(lambda a: kernel(a, None, 3, bias_std), (x,))


@pytest.mark.parametrize("bias_std", [0.0, 0.2])
@pytest.mark.parametrize("readout", ["flat", "gap"])
@pytest.mark.parametrize("kernel", [conv_ntk, conv_nngp])
def test_gradcheck_convolution(kernel, readout: str, bias_std: float):
    x, z = draw(2, 1, 3, 3).requires_grad_(), draw(2, 1, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: kernel(a, b, 2, bias_std, readout), (x, z))
    assert torch.autograd.gradcheck(lambda a: kernel(a, None, 2, bias_std, readout), (x,))


@pytest.mark.parametrize("bias_std", [0.0, 0.2])
def test_gradient_where_both_images_are_equal_is_the_middle_of_the_cone(bias_std: float):
    """Central differences cancel the kink of the cone exactly, so they show the middle of the subgradients."""
    x = draw(2, 5)
    z = x.clone()

    def difference(i: int, d: int, h: float = 1e-5) -> Tensor:
        ahead, behind = x.clone(), x.clone()
        ahead[i, d] += h
        behind[i, d] -= h
        return (fc_ntk(ahead, z, 3, bias_std) - fc_ntk(behind, z, 3, bias_std))[i, i] / (2 * h)

    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(fc_ntk(leaf, z, 3, bias_std).diagonal().sum(), leaf)
    expected = torch.stack([torch.stack([difference(i, d) for d in range(5)]) for i in range(2)])
    assert torch.allclose(grad, expected, atol=2e-3)


@pytest.mark.parametrize(("depth", "rows"), [(1, 3), (2, 2)])
@pytest.mark.parametrize("readout", ["flat", "gap"])
def test_zero_pixels_have_the_right_gradient_without_bias(readout: str, depth: int, rows: int):
    """Whole windows of both images are zero. At a zero pixel central differences take the middle of the subgradients.

    More zero rows would make a window of windows zero: there no single number is right.
    """
    x, z = draw(2, 1, 6, 5), draw(2, 1, 6, 5, seed=1)
    x[..., :rows, :], z[..., 3:] = 0, 0
    weights, leaf = draw(2, 2, seed=2), x.clone().requires_grad_()

    def value(images: Tensor) -> Tensor:
        return (conv_ntk(images, z, depth, 0.0, readout) * weights).sum()

    (grad,) = torch.autograd.grad(value(leaf), leaf)
    expected = torch.zeros_like(x)
    for place in np.ndindex(*x.shape):
        ahead, behind = x.clone(), x.clone()
        ahead[place] += 1e-6
        behind[place] -= 1e-6
        expected[place] = (value(ahead) - value(behind)) / 2e-6
    assert torch.allclose(grad, expected, atol=1e-5 * float(expected.abs().max()))
    assert grad[..., :rows, :].abs().max() > 1e-3, "zero pixels have a gradient, and it is not zero"


@pytest.mark.parametrize("kernel", [fc_ntk, conv_ntk, lambda x, **k: conv_ntk(x, readout="gap", **k)])
def test_an_image_of_zeros_gives_finite_values_and_gradients(kernel):
    x = draw(3, 1, 4, 4)
    x[0] = 0
    x = (x.flatten(1) if kernel is fc_ntk else x).requires_grad_()
    found = kernel(x)
    (grad,) = torch.autograd.grad(found.sum(), x)
    assert found.isfinite().all() and grad.isfinite().all()
    assert found[0].abs().max() == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("depth", [1, 3, 7])
def test_symmetric_diagonal_is_exact(depth: int, dtype: torch.dtype):
    x, b2 = draw(50, 100, dtype=dtype), 0.01
    q = (2 / 100 * x.double().square().sum(1)) + b2
    exact = (depth + 1) * q + b2 * depth * (depth + 1) / 2
    found = fc_ntk(x, None, depth, 0.1)
    assert ((found.diagonal() - exact) / exact).abs().max() < (1e-6 if dtype == torch.float32 else 1e-14)
    assert torch.allclose(found, found.T, rtol=1e-6 if dtype == torch.float32 else 1e-14)


@pytest.mark.parametrize("readout", ["flat", "gap"])
def test_convolutional_diagonal_is_exact_in_float32(readout: str):
    x = draw(6, 2, 7, 7).clamp_min(0)
    exact = torch.stack([recorded_diagonal(image, 3, GAP if readout == "gap" else FLAT) for image in x])
    found = conv_ntk(x.float(), None, 3, 0.0, readout).diagonal()
    assert ((found - exact) / exact).abs().max() < 1e-6


def recorded_diagonal(image: Tensor, depth: int, layout) -> Tensor:
    """K(x, x) in float64, where acos near 1 is wrong by 1e-8; a bias of 1e-7 keeps 0 / 0 away."""
    return recorded(image[None], image[None], depth, 1e-7, layout)[0, 0]


@pytest.mark.parametrize("kernel", [fc_ntk, fc_nngp, conv_ntk, conv_nngp])
def test_positive_semidefinite(kernel):
    x = draw(40, 1, 5, 5).clamp_min(0)
    found = kernel(x.flatten(1) if kernel in (fc_ntk, fc_nngp) else x, None, 3)
    values = torch.linalg.eigvalsh(found)
    assert values[0] > -1e-13 * values[-1]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "again"])
@pytest.mark.parametrize("same", [True, False], ids=["symmetric", "two"])
@pytest.mark.parametrize("readout", [None, "flat", "gap"])
def test_small_blocks_change_nothing(monkeypatch, readout: str | None, same: bool, kept: bool):
    x, z = draw(7, 1, 4, 4).requires_grad_(), None if same else draw(5, 1, 4, 4, seed=1).requires_grad_()
    inputs = (x,) if same else (x, z)
    weights = draw(7, 7 if same else 5, seed=2)

    def compute() -> tuple[Tensor, ...]:
        if readout is None:
            found = fc_ntk(x.flatten(1), None if same else z.flatten(1), 3, 0.1)
        else:
            found = conv_ntk(x, z, 3, 0.1, readout)
        return found, *torch.autograd.grad((found * weights).sum(), inputs)

    whole = compute()
    monkeypatch.setattr(engine, "BLOCK", 600 if readout == "gap" else 100 if readout else 6)
    monkeypatch.setattr(engine, "KEPT_BYTES", engine.KEPT_BYTES if kept else 0)
    for got, want in zip(compute(), whole, strict=True):
        assert torch.allclose(got, want, rtol=1e-12, atol=1e-14)


def test_only_the_asked_gradient_is_computed():
    x, z = draw(3, 5).requires_grad_(), draw(2, 5, seed=1)
    assert fc_ntk(x, z).requires_grad and not fc_ntk(x.detach(), z).requires_grad
    (alone,) = torch.autograd.grad(fc_ntk(x, z).sum(), x)
    (other,) = torch.autograd.grad(fc_ntk(z, x).sum(), x)
    assert torch.allclose(alone, other, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fc_ntk(torch.rand(3, 1, 2, 2)), "takes"),
        (lambda: fc_ntk(torch.ones(3, 4, dtype=torch.int64)), "float32 or float64"),
        (lambda: fc_ntk(torch.rand(3, 4), torch.rand(3, 5)), "both sides"),
        (lambda: fc_ntk(torch.rand(3, 4), torch.rand(3, 4).double()), "both sides"),
        (lambda: fc_ntk(torch.rand(3, 4), depth=0), "depth"),
        (lambda: fc_ntk(torch.rand(3, 4), bias_std=-1), "bias_std"),
        (lambda: conv_ntk(torch.rand(3, 1, 2, 2), readout="max"), "readout"),
    ],
)
def test_refuses_in_words(call, words: str):
    with pytest.raises(ConfigError, match=words):
        call()
