"""PGD and FGSM against linear models, whose minimal perturbation is known in closed form."""

import pytest
import torch
from torch import nn

from core.attacks import fgsm, pgd, pgd_steps
from core.attacks.projections import NORMS, lengths
from core.errors import ConfigError, NumericsError

DUAL = {"Linf": "L1", "L2": "L2", "L1": "Linf"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(n: int = 30, seed: int = 0) -> tuple[nn.Module, torch.Tensor, torch.Tensor, nn.Linear]:
    """A two-class linear model, images in the middle of the box and the labels it gives them."""
    torch_generator = generator(seed)
    layer = nn.Linear(16, 2).requires_grad_(False)
    layer.weight.copy_(torch.randn(2, 16, generator=torch_generator))
    x = 0.4 + 0.2 * torch.rand(n, 1, 4, 4, generator=torch_generator)
    layer.bias.copy_(-(layer.weight @ x.flatten(1).mean(0)))
    model = nn.Sequential(nn.Flatten(), layer)
    return model, x, model(x).argmax(1), layer


def distances(model: nn.Module, x: torch.Tensor, layer: nn.Linear, norm: str) -> torch.Tensor:
    """Exact distance to the boundary: gap of the logits over the dual norm of the weight difference."""
    out = model(x)
    w = (layer.weight[0] - layer.weight[1])[None]
    return (out[:, 0] - out[:, 1]).abs() / lengths(w, DUAL[norm])


def small_network(seed: int = 0) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    source = generator(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 24), nn.ReLU(), nn.Linear(24, 4))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=source) / (p.shape[-1] ** 0.5))
    x = torch.rand(40, 1, 6, 6, generator=source)
    return model, x, model(x).argmax(1)


def robust(model, adversarial, y) -> int:
    return int((model(adversarial).argmax(1) == y).sum())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("loss", ["ce", "margin"])
@pytest.mark.parametrize("random_start", [False, True])
def test_linear_models_break_exactly_beyond_their_margin(norm, loss, random_start):
    model, x, y, layer = linear()
    exact = distances(model, x, layer, norm)
    options = {"norm": norm, "steps": 60, "loss": loss, "random_start": random_start, "generator": generator()}
    assert robust(model, pgd(model, x, y, eps=exact * 0.99, **options), y) == len(x)
    # from a start 90 degrees off, a path of 2.5 eps along the L2 sphere ends 9 degrees off the best point
    assert robust(model, pgd(model, x, y, eps=exact * 1.05 + 1e-5, **options), y) == 0


@pytest.mark.parametrize("norm", NORMS)
def test_the_best_linear_perturbation_is_reached_in_one_step(norm):
    model, x, y, layer = linear()
    adversarial = fgsm(model, x, y, norm=norm, eps=0.1, loss="margin")
    before, after = ((lambda z: z[:, 0] - z[:, 1])(model(v)).abs() for v in (x, adversarial))
    reach = 0.1 * lengths((layer.weight[0] - layer.weight[1])[None], DUAL[norm])
    near = before > reach  # the others cross the boundary
    torch.testing.assert_close((before - after)[near], reach.expand(int(near.sum())), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("keep", ["worst", "last"])
def test_results_lie_in_ball_and_box_with_a_radius_for_each_image(norm, keep):
    model, x, y = small_network()
    eps = torch.linspace(0, 1, len(x))
    adversarial = pgd(model, x, y, norm=norm, eps=eps, steps=7, generator=generator(), keep=keep)
    assert bool((lengths(adversarial - x, norm) <= eps + 1e-6).all())
    assert float(adversarial.min()) >= 0 and float(adversarial.max()) <= 1
    assert torch.equal(adversarial[0], x[0])
    assert not adversarial.requires_grad


def test_no_radius_or_no_steps_give_the_images_back():
    model, x, y = small_network()
    assert pgd(model, x, y, norm="Linf", eps=0, steps=5, generator=generator()) is x
    assert pgd(model, x, y, norm="Linf", eps=0.1, steps=0, generator=generator()) is x


@pytest.mark.parametrize("norm", NORMS)
def test_one_full_step_without_random_start_is_fgsm(norm):
    model, x, y = small_network()
    one = pgd(model, x, y, norm=norm, eps=0.2, steps=1, step_size=0.2, random_start=False, keep="last")
    assert torch.equal(one, fgsm(model, x, y, norm=norm, eps=0.2))
    images = x.clone().requires_grad_()
    nn.functional.cross_entropy(model(images), y).backward()
    if norm == "Linf":
        assert torch.equal(one, (x + 0.2 * images.grad.sign()).clamp(0, 1))


@pytest.mark.parametrize("norm", NORMS)
def test_more_restarts_never_raise_robust_accuracy(norm):
    model, x, y = small_network()
    eps = {"Linf": 0.15, "L2": 0.8, "L1": 3.0}[norm]
    counts = [
        robust(model, pgd(model, x, y, norm=norm, eps=eps, steps=3, restarts=r, generator=generator(1)), y)
        for r in (1, 2, 4, 8)
    ]
    assert counts == sorted(counts, reverse=True)
    assert 0 < counts[-1] < len(x)


def test_every_restart_begins_elsewhere():
    model, x, y = small_network()
    options = {"norm": "Linf", "eps": 0.001, "steps": 1, "restarts": 3, "keep": "last", "generator": generator()}
    first, second, third = (step.images for step in pgd_steps(model, x, y, **options))
    assert not torch.equal(first, second) and not torch.equal(second, third) and not torch.equal(first, third)


def test_the_worst_iterate_is_kept_and_the_last_one_counts():
    model, x, y = small_network()
    seen: list[torch.Tensor] = []
    run = pgd_steps(model, x, y, norm="Linf", eps=0.05, steps=6, loss="margin", generator=generator())
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            result = stop.value
            break
        losses = torch.full((len(x),), -torch.inf)
        losses[step.rows] = step.loss
        seen.append(losses)
    assert len(seen) == 7  # six gradients and the last iterate
    out = model(x)
    out[torch.arange(len(x)), y] = -torch.inf
    reached = model(result)
    right = reached[torch.arange(len(x)), y].clone()
    reached[torch.arange(len(x)), y] = -torch.inf
    clean = model(x)[torch.arange(len(x)), y]
    worst = torch.maximum(torch.stack(seen).amax(0), out.amax(1) - clean)
    torch.testing.assert_close(reached.amax(1) - right, worst, rtol=1e-4, atol=1e-5)


def test_broken_images_leave_and_change_nothing():
    model, x, y = small_network()
    options = {"norm": "Linf", "eps": 0.1, "steps": 10, "random_start": False}
    run = pgd_steps(model, x, y, **options)
    sizes = [len(step.rows) for step in run]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0]
    alone = torch.cat([pgd(model, x[i : i + 1], y[i : i + 1], **options) for i in range(len(x))])
    torch.testing.assert_close(alone, pgd(model, x, y, **options), rtol=0, atol=1e-6)


def test_images_wrong_without_an_attack_stay_broken():
    model, x, y = small_network()
    adversarial = pgd(model, x, (y + 1) % 4, norm="Linf", eps=0.3, steps=5, generator=generator())
    assert torch.equal(adversarial, x)


@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_targeted_attacks_reach_their_class(loss):
    model, x, y = small_network()
    targets = (y + 1) % 4
    adversarial = pgd(model, x, y, norm="Linf", eps=0.6, steps=40, loss=loss, targets=targets, generator=generator())
    assert float((model(adversarial).argmax(1) == targets).float().mean()) > 0.9


def test_soft_targets_and_own_losses():
    model, x, y = small_network()
    soft = nn.functional.one_hot(y, 4) - 0.25
    options = {"norm": "L2", "eps": 0.5, "steps": 5, "random_start": False}
    hard = pgd(model, x, y, loss="mse", **options)
    assert torch.equal(hard, pgd(model, x, soft, loss="mse", **options))
    own = pgd(model, x, soft, loss=lambda out, t: (out - t).square().sum(1), **options)
    assert torch.equal(hard, own)


def test_a_warm_start_begins_where_it_is_told():
    model, x, y = small_network()
    delta = torch.full_like(x, 0.03)
    run = pgd_steps(model, x, y, norm="Linf", eps=0.02, steps=2, start=delta, keep="last")
    torch.testing.assert_close(next(run).images, (x + 0.02).clamp(0, 1))


def test_a_function_without_parameters_is_attacked_like_a_network():
    model, x, y = small_network()
    options = {"norm": "Linf", "eps": 0.05, "steps": 5}
    a = pgd(model, x, y, generator=generator(), **options)
    assert torch.equal(a, pgd(lambda v: model(v), x, y, generator=generator(), **options))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"norm": "L3"}, "Linf, L2, L1"),
        ({"eps": -0.1}, "at least 0"),
        ({"steps": -1}, "steps"),
        ({"restarts": 0}, "restarts"),
        ({"generator": None}, "generator"),
        ({"loss": "hinge"}, "margin"),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(changes, words):
    model, x, y = small_network()
    options = {"norm": "Linf", "eps": 0.1, "steps": 2, "generator": generator()} | changes
    with pytest.raises(ConfigError, match=words):
        pgd(model, x, y, **options)


def test_images_outside_the_box_are_refused():
    model, x, y = small_network()
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        pgd(model, x * 255, y, norm="Linf", eps=0.1, steps=2, generator=generator())


def test_dlr_needs_three_classes():
    model, x, y, _ = linear()
    with pytest.raises(ConfigError, match="3 classes"):
        pgd(model, x, y, norm="Linf", eps=0.1, steps=2, loss="dlr", generator=generator())


def test_a_model_without_gradient_is_refused_in_a_sentence():
    model, x, y = small_network()
    with pytest.raises(ConfigError, match="gradient"):
        pgd(lambda v: model(v).detach(), x, y, norm="Linf", eps=0.1, steps=2, generator=generator())


def test_a_model_that_answers_nan_stops_the_attack():
    model, x, y = small_network()
    with pytest.raises(NumericsError, match="NaN"):
        pgd(lambda v: model(v) * torch.nan, x, y, norm="Linf", eps=0.1, steps=2, generator=generator())
