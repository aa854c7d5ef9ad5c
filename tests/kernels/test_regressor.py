"""Kernel regression: limits of the ridge, recorded jitter, gradients under attack, refusals, cost."""

import numpy as np
import pytest
import torch
from torch import Tensor

from core.attacks import autoattack, pgd
from core.errors import ConfigError, NumericsError, ResourceError
from core.kernels import (
    Cost,
    HomogeneousRegressor,
    Kernel,
    KernelRegressor,
    Pace,
    centred,
    condensing,
    fc_ntk,
    fit_condensed,
    mean_image,
    measure,
    refuse,
    refuse_supports,
    solve,
)  # fmt: skip
from core.types import CondensedSet, TrainSplit

KERNELS = [Kernel(), Kernel(family="conv", depth=2), Kernel(family="conv", depth=1, readout="gap", bias_std=0.1)]


def toy(count: int = 12, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Three classes of 1 x 4 x 4 images, a bright row each."""
    source = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 3
    x = 0.6 * torch.rand(count, 1, 4, 4, generator=source, dtype=torch.float64)
    x[torch.arange(count), 0, y] += 0.4
    return x.to(dtype), y


def fitted(kernel: Kernel = KERNELS[0], dtype: torch.dtype = torch.float64, ridge: float = 1e-6) -> KernelRegressor:
    x, y = toy(dtype=dtype)
    return KernelRegressor.fit(kernel, x, centred(y, 3), mean=x.mean(0), ridge=ridge)


@pytest.mark.parametrize("kernel", KERNELS, ids=Kernel.sentence)
def test_without_ridge_it_interpolates_the_support(kernel: Kernel):
    x, y = toy()
    model = fitted(kernel, ridge=0.0)
    found = model(x)
    assert torch.allclose(found, centred(y, 3), atol=1e-5)
    assert model.jitter == 0


def test_with_a_large_ridge_it_shrinks_to_a_smoothed_label():
    x, y = toy()
    model, kernel = fitted(ridge=1e6), Kernel()
    gram = kernel(x - x.mean(0))
    assert torch.allclose(model(x), gram @ centred(y, 3) / (1e6 * gram.diagonal().mean()), rtol=1e-4, atol=1e-12)


def test_equals_the_formula():
    x, y = toy()
    queries, _ = toy(5, seed=1)
    kernel, mean = Kernel(depth=2, bias_std=0.1), x.mean(0)
    gram = kernel(x - mean)
    alpha = torch.linalg.inv(gram + 1e-2 * gram.trace() / 12 * torch.eye(12, dtype=gram.dtype)) @ centred(y, 3)
    model = KernelRegressor.fit(kernel, x, centred(y, 3), mean=mean, ridge=1e-2)
    assert torch.allclose(model(queries), kernel(queries - mean, x - mean) @ alpha, rtol=1e-8)
    assert model.alpha_max == pytest.approx(float(alpha.abs().max()))
    assert model.contrast == pytest.approx(float((x - mean).square().sum((1, 2, 3)).mean()))


@pytest.mark.parametrize("kernel", KERNELS, ids=Kernel.sentence)
def test_gradient_of_the_query(kernel: Kernel):
    queries, _ = toy(2, seed=1)
    assert torch.autograd.gradcheck(fitted(kernel), (queries.requires_grad_(),), atol=1e-4)


def test_float32_queries_agree_with_float64():
    queries, _ = toy(50, seed=1)
    exact = fitted()(queries)
    single = fitted(dtype=torch.float32)(queries.float())
    assert single.dtype == torch.float32
    assert (single - exact).abs().max() < 1e-3 * exact.abs().max()


def test_every_attack_takes_it_like_a_network():
    x, y = toy(30, seed=2, dtype=torch.float32)
    model = fitted(dtype=torch.float32).train()
    clean = model(x).argmax(1) == y
    worst = pgd(model, x, y, norm="Linf", eps=0.2, steps=10, loss="mse", generator=torch.Generator().manual_seed(0))
    assert (worst - x).abs().max() <= 0.2 + 1e-6
    robust = model(worst).argmax(1) == y
    found = autoattack(model, x, y, norm="Linf", eps=0.2, n_classes=3, seed=0, preset="quick")
    assert model.training, "left as it was"
    assert clean.float().mean() > 0.6 > robust.float().mean()
    assert found.robust.float().mean() < clean.float().mean()


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_the_fast_path_equals_the_general_one(depth: int):
    """At a zero row too, and at a row that equals a support image, where the angle vanishes."""
    x, y = toy()
    x, alpha = x.flatten(1), centred(y, 3)
    queries = torch.cat([toy(5, seed=1)[0].flatten(1), x[:2], torch.zeros_like(x[:1])]).requires_grad_()
    weights = torch.rand(8, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = fc_ntk(queries, x, depth) @ alpha
    value, pullback = HomogeneousRegressor(x, alpha, depth).value_and_pullback(queries.detach())
    (gradient,) = torch.autograd.grad((expected * weights).sum(), queries)
    assert torch.allclose(value, expected, atol=1e-6)
    assert torch.allclose(pullback(weights)[:7], gradient[:7], atol=1e-6)
    assert pullback(weights).isfinite().all()


def test_duplicates_need_jitter_and_it_is_recorded():
    x, y = toy()
    doubled, labels = torch.cat([x, x]), torch.cat([y, y])
    model = KernelRegressor.fit(Kernel(), doubled, centred(labels, 3), mean=x.mean(0), ridge=0.0)
    assert 0 < model.jitter <= 1e-10
    assert (model(x).argmax(1) == y).all()


def test_solution_reverse_equals_autograd():
    source = torch.Generator().manual_seed(0)
    root = torch.randn(6, 8, generator=source, dtype=torch.float64)
    gram, y = (root @ root.T).requires_grad_(), torch.randn(6, 3, generator=source, dtype=torch.float64)
    y, weights = y.requires_grad_(), torch.randn(6, 3, generator=source, dtype=torch.float64)
    shifted = gram + 1e-2 * gram.trace() / 6 * torch.eye(6, dtype=gram.dtype)
    expected = torch.autograd.grad((torch.linalg.solve(shifted, y) * weights).sum(), (gram, y))
    found = solve(gram.detach(), y.detach(), 1e-2).reverse(weights)
    for got, want in zip(found, expected, strict=True):
        assert torch.allclose(got, want, rtol=1e-9)


def test_what_cannot_be_factored_is_said():
    with pytest.raises(NumericsError, match="raise the ridge"):
        solve(torch.diag(torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)), torch.ones(3, 1).double(), 1e-6)
    with pytest.raises(NumericsError, match="not finite"):
        solve(torch.full((2, 2), torch.nan).double(), torch.ones(2, 1).double(), 1e-6)


def test_too_many_supports_are_refused_before_any_work():
    with pytest.raises(ResourceError, match="at most 5000 support images, got 5001"):
        refuse_supports(5001)
    x = torch.zeros(5001, 1, 1, 1)
    with pytest.raises(ResourceError, match="lower ipc"):
        KernelRegressor.fit(Kernel(), x, torch.zeros(5001, 2), mean=torch.zeros(1, 1, 1))


def test_unmatched_targets_are_refused():
    x, _ = toy()
    with pytest.raises(ConfigError, match="must agree"):
        KernelRegressor.fit(Kernel(), x, torch.zeros(11, 3), mean=x.mean(0))
    with pytest.raises(ConfigError, match="family"):
        Kernel(family="rnn")


@pytest.mark.parametrize("soft", [False, True])
def test_fits_a_condensed_set_with_the_mean_of_the_train_split(soft: bool):
    x, y = toy(dtype=torch.float32)
    labels = centred(y, 3, torch.float32) * 0.5
    condensed = CondensedSet(
        x=x.numpy(), y=y.numpy(), n_classes=3, method="kip", soft_labels=labels.numpy() if soft else None
    )
    train = TrainSplit(x=(255 * x).round().to(torch.uint8).numpy(), y=y.numpy())
    mean = mean_image(train)
    assert mean.dtype == np.float32 and np.allclose(mean, train.pixels().mean(0), atol=1e-6)
    model = fit_condensed(condensed, Kernel(), mean, ridge=0.0, device="cpu")
    assert torch.allclose(model(x), centred(y, 3, torch.float32) * (0.5 if soft else 1), atol=5e-3)


def test_cost_grows_with_the_work_and_is_measured_here():
    pace = measure(Kernel(), (1, 8, 8), "cpu")
    assert 0 < pace.value < 1e-3 and 0 < pace.gradient < 1e-3

    def cost(**change: int) -> Cost:
        sizes = {"supports": 100, "batch": 500, "steps": 10, "attack_steps": 5, "judged": 0} | change
        return condensing(pace, Kernel(), (1, 8, 8), **sizes)

    assert cost(steps=20).seconds == pytest.approx(2 * cost().seconds)
    assert cost(attack_steps=10).seconds > 1.5 * cost().seconds
    assert cost(supports=1000).memory > cost().memory


def test_refusal_says_what_would_fit():
    kernel, pace = Kernel(family="conv", readout="gap"), Pace(value=0.005, gradient=0.01)

    def cost(ipc: int, steps: int) -> Cost:
        return condensing(
            pace, kernel, (1, 28, 28), supports=10 * ipc, batch=500, steps=steps, attack_steps=10, judged=0
        )

    refuse(cost, ipc=1, steps=1, hours=12, device="cpu", what="adv-kip with conv-3 gap NTK")
    with pytest.raises(ResourceError) as caught:
        refuse(cost, ipc=10, steps=100, hours=12, device="cpu", what="adv-kip with conv-3 gap NTK")
    message = str(caught.value)
    steps = int(message.split("what would fit: ")[1].split(" steps")[0])
    assert cost(10, steps).seconds <= 12 * 3600 < cost(10, steps + 1).seconds
    assert "days" in message and "readout flat" in message and "hours" in message


def test_refusal_for_memory(monkeypatch):
    monkeypatch.setattr("core.kernels.cost.available", lambda device: 10_000_000)
    with pytest.raises(ResourceError, match="10 MB are free"):
        refuse(lambda ipc, steps: Cost(1.0, 5_000_000 * ipc), ipc=10, steps=5, hours=1, device="cpu", what="kip")
    refuse(lambda ipc, steps: Cost(1.0, 5_000_000 * ipc), ipc=2, steps=5, hours=1, device="cpu", what="kip")


def test_targets_are_one_hot_less_one_over_the_classes():
    expected = [[3 / 4, -1 / 4, -1 / 4, -1 / 4], [-1 / 4, -1 / 4, 3 / 4, -1 / 4]]
    assert centred(torch.tensor([0, 2]), 4).tolist() == expected  # so every row sums to 0
