"""AutoAttack against stored flags of the reference implementation, on small inputs, and at its edges."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.attacks import autoattack, autoattack_steps
from core.attacks.projections import lengths
from core.errors import ConfigError, NumericsError

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
WEIGHTS, IMAGES = SHARED / "reference" / "autoattack.npz", SHARED / "data" / "mnist.npz"


def reference(prefix: str) -> nn.Module:
    """The stored MNIST network, as `reference/README.md` describes it."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2, 2), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip
    with np.load(WEIGHTS) as stored:
        names = [n for n in stored.files if n.startswith(prefix)]
        model.load_state_dict({n.removeprefix(prefix): torch.from_numpy(stored[n]) for n in names})
    return model


def network(shape: tuple[int, int, int], n_classes: int, seed: int = 0) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 16), nn.ReLU(), nn.Linear(16, n_classes))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=source) / p.shape[-1] ** 0.5)
    x = torch.rand(12, *shape, generator=source)
    y = model(x).argmax(1)
    y[0] = (y[0] + 1) % n_classes
    return model, x, y


@pytest.mark.skipif(not (WEIGHTS.exists() and IMAGES.exists()), reason="reference flags and MNIST are not in ../shared")
@pytest.mark.parametrize(("prefix", "eps", "rows"), [("std", 0.1, 40), ("at", 0.3, 12)])
def test_flags_of_the_reference_implementation(prefix, eps, rows):
    # all 300 images of both models: benchmarks/attacks.py
    with np.load(IMAGES) as images:
        x = torch.from_numpy(images["x_test"][:rows, None]).float() / 255
        y = torch.from_numpy(images["y_test"][:rows].astype(np.int64))
    with np.load(WEIGHTS) as stored:
        expected = torch.from_numpy(stored[f"{prefix}_Linf_{eps}_robust"][:rows])
    found = autoattack(reference(f"{prefix}_weights_f."), x, y, norm="Linf", eps=eps, n_classes=10, seed=0)
    assert torch.equal(found.robust, expected)
    assert [part.name for part in found.parts] == ["APGD-CE", "APGD-T", "FAB-T", "Square"]


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 1, 2), (1, 4, 20), (1, 17, 17)])
def test_every_image_found_holds_and_the_books_agree(norm, shape):
    model, x, y = network(shape, 5)
    eps = {"Linf": 0.1, "L2": 0.5, "L1": 1.0}[norm]
    found = autoattack(model, x, y, norm=norm, eps=eps, n_classes=5, seed=0, preset="quick")
    assert torch.equal(model(found.adversarial).argmax(1) == y, found.robust)
    assert float(lengths(found.adversarial - x, norm).max()) <= eps + 1e-6
    assert float(found.adversarial.min()) >= 0 and float(found.adversarial.max()) <= 1
    assert found.broken_by[0] == "clean" and torch.equal(found.adversarial[0], x[0])
    assert [name == "" for name in found.broken_by] == found.robust.tolist()
    for part in found.parts:
        assert part.broken == found.broken_by.count(part.name)
    assert sum(part.broken for part in found.parts) == 11 - int(found.robust.sum())
    assert all(part.queries > 0 for part in found.parts if part.images)


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 8, 8)])
def test_square_alone_reaches_small_images(shape):
    # without a gradient only Square can run; it has to reach every pixel, the last row and column too
    weights = torch.zeros(shape)
    weights[0, -1, -1] = 1.0

    def last_pixel(x: torch.Tensor) -> torch.Tensor:
        score = ((x * weights).flatten(1).sum(1) - 0.5).detach()
        return torch.stack([score, -score], 1)

    x = torch.full((6, *shape), 0.6)
    found = autoattack(last_pixel, x, torch.zeros(6, dtype=torch.int64), norm="Linf", eps=0.2, n_classes=2, seed=0)
    assert not found.robust.any()
    assert set(found.broken_by) == {"Square"}
    assert "only Square" in found.notes[0]


@pytest.mark.parametrize(("n_classes", "expected"), [(2, 3), (3, 3), (4, 4)])
def test_few_classes_leave_out_the_targeted_loss_and_say_so(n_classes, expected):
    model, x, y = network((1, 8, 8), n_classes)
    found = autoattack(model, x, y, norm="Linf", eps=0.05, n_classes=n_classes, seed=0, preset="quick")
    assert len(found.parts) == expected
    assert len(found.notes) == (n_classes < 4)


def test_the_preset_for_random_models_averages_gradients():
    model, x, y = network((1, 8, 8), 5)

    def noisy(v: torch.Tensor) -> torch.Tensor:
        return model(v + 0.02 * torch.randn(v.shape))

    found = autoattack(noisy, x, y, norm="Linf", eps=0.01, n_classes=5, seed=0, preset="rand")
    assert [part.name for part in found.parts] == ["APGD-CE", "APGD-DLR"]
    assert found.parts[0].queries > 20 * 100


def test_a_function_is_attacked_and_leaves_no_gradients_behind():
    model, x, y = network((1, 8, 8), 5)
    direct = autoattack(model, x, y, norm="Linf", eps=0.05, n_classes=5, seed=3, preset="quick")
    hidden = autoattack(lambda v: model(v), x, y, norm="Linf", eps=0.05, n_classes=5, seed=3, preset="quick")
    assert torch.equal(direct.adversarial, hidden.adversarial)
    assert all(p.grad is None for p in model.parameters())


def test_in_l1_a_model_without_gradient_is_refused_and_square_said_to_be_left_out():
    model, x, y = network((1, 8, 8), 5)
    found = autoattack(model, x, y, norm="L1", eps=0.5, n_classes=5, seed=0, preset="quick")
    assert [part.name for part in found.parts] == ["APGD-CE", "APGD-T", "FAB-T"]
    assert found.notes == ("Square is not defined in L1: left out",)
    with pytest.raises(ConfigError, match="no gradient"):
        autoattack(lambda v: model(v).detach(), x, y, norm="L1", eps=0.5, n_classes=5, seed=0)


def test_no_radius_is_clean_accuracy():
    model, x, y = network((1, 8, 8), 5)
    found = autoattack(model, x, y, norm="Linf", eps=0.0, n_classes=5, seed=0)
    assert found.broken_by == ("clean",) + ("",) * 11 and found.parts == ()


def test_leaving_early_ends_the_work():
    model, x, y = network((1, 8, 8), 5)
    calls = []

    def counted(v: torch.Tensor) -> torch.Tensor:
        calls.append(len(v))
        return model(v)

    run = autoattack_steps(counted, x, y, norm="Linf", eps=0.001, n_classes=5, seed=0)
    ticks = [next(run) for _ in range(2)]
    assert ticks[0].part == "APGD-CE" and ticks[0].images == 12 and ticks[0].standing == 11
    run.close()
    assert "attack" not in [thread.name for thread in threading.enumerate()]
    assert 0 < len(calls) < 1000  # the whole ensemble takes more than 5,000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"norm": "L3"}, "Linf, L2, L1"),
        ({"preset": "plus"}, "standard"),
        ({"n_classes": 7}, "logits"),
        ({"eps": -1.0}, "eps"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changes, words):
    model, x, y = network((1, 8, 8), 5)
    with pytest.raises(ConfigError, match=words):
        autoattack(model, x, y, **({"norm": "Linf", "eps": 0.1, "n_classes": 5, "seed": 0} | changes))


def test_images_outside_the_box_and_nan_are_refused():
    model, x, y = network((1, 8, 8), 5)
    options = {"norm": "Linf", "eps": 0.1, "n_classes": 5, "seed": 0}
    with pytest.raises(ConfigError, match=r"\[0, 1\]"):
        autoattack(model, x - 0.5, y, **options)
    with pytest.raises(NumericsError, match="NaN"):
        autoattack(lambda v: model(v) / 0 * 0, x, y, **options)
