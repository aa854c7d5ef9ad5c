"""What each part of AutoAttack is asked to do, counted, and that nothing it says is believed."""

import math
from importlib import import_module

import pytest
import torch
from torch import nn

from core.attacks import autoattack
from core.attacks.projections import lengths
from core.types import Norm

parts_of = import_module("core.attacks.autoattack")  # core.attacks has a function of that name


def firm(n_classes: int, n: int = 2) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A linear model that is right by far: at eps 1e-6 no image falls, so every part does all it can."""
    source = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, n_classes))
    with torch.no_grad():
        model[1].weight.copy_(torch.randn(n_classes, 256, generator=source))
        model[1].bias.zero_()
    x = torch.rand(n, 1, 16, 16, generator=source)
    return model, x, model(x).argmax(1)


@pytest.mark.parametrize(("n_classes", "targets"), [(4, 3), (12, 9)])
def test_every_part_asks_the_model_as_often_as_its_paper_says(n_classes, targets):
    """Per image, with 10 steps, 500 queries and the nine best wrong classes, or as many as there are."""
    model, x, y = firm(n_classes)
    found = autoattack(model, x, y, norm="Linf", eps=1e-6, n_classes=n_classes, seed=0, preset="quick")
    assert found.robust.all()
    assert {part.name: part.queries / len(x) for part in found.parts} == {
        "APGD-CE": 1 + 10 + 1,  # the start, every step, and where it ended
        "APGD-T": 1 + targets * (1 + 10 + 1),  # which classes come next, then each of them
        "FAB-T": 1 + targets * (1 + 2 * (10 + 1)),
        "Square": 3 + 500,
    }
    assert all(part.images == len(x) and part.broken == 0 for part in found.parts)


def asked(monkeypatch, preset: str, n_classes: int = 12) -> dict[str, nn.Module]:
    """The parts as the library is asked for them, by name; none of them runs."""
    made, real = {}, parts_of._part

    def part(name, *settings):
        made[name] = real(name, *settings)
        return lambda x, y: x

    model, x, y = firm(n_classes)
    monkeypatch.setattr(parts_of, "_part", part)
    autoattack(model, x, y, norm="L2", eps=0.25, n_classes=n_classes, seed=0, preset=preset)
    return made


def test_standard_is_the_strength_of_the_paper(monkeypatch):
    made = asked(monkeypatch, "standard")
    assert list(made) == ["APGD-CE", "APGD-T", "FAB-T", "Square"]
    assert all((part.eps, part.norm) == (0.25, "L2") for part in made.values())
    assert [made[name].steps for name in ("APGD-CE", "APGD-T", "FAB-T")] == [100, 100, 100]
    assert (made["APGD-CE"].loss, made["APGD-CE"].eot_iter, made["Square"].n_queries) == ("ce", 1, 5000)
    assert made["APGD-T"].target_class is None and made["APGD-T"].n_target_classes == 9
    assert made["FAB-T"].multi_targeted and made["FAB-T"].n_target_classes == 9
    assert len({part.seed for part in made.values()}) == 4


def test_the_preset_for_random_models_averages_twenty_gradients_of_two_losses(monkeypatch):
    made = asked(monkeypatch, "rand")
    assert [(name, part.loss, part.steps, part.eot_iter) for name, part in made.items()] == [
        ("APGD-CE", "ce", 100, 20), ("APGD-DLR", "dlr", 100, 20),
    ]  # fmt: skip


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_a_part_that_leaves_the_ball_is_brought_back_and_judged_there(norm: Norm, monkeypatch):
    """The part goes three times as far as it may: one image falls within eps too, one only outside."""
    eps, size = 0.1, 16 * 16
    unit = 1.0 if norm == "Linf" else 1 / math.sqrt(size)  # a move of eps * unit in every pixel has length eps

    def darker(x: torch.Tensor) -> torch.Tensor:
        score = x.flatten(1).mean(1) - 0.5
        return torch.stack([score, -score, score - 1, score - 2], 1)

    def far(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x - 3 * eps * unit

    monkeypatch.setattr(parts_of, "_part", lambda *settings: far)
    x = torch.full((2, 1, 16, 16), 0.5) + torch.tensor([0.5, 2.0]).view(2, 1, 1, 1) * eps * unit
    y = torch.zeros(2, dtype=torch.int64)
    assert (darker(far(x, y)).argmax(1) != y).all()
    found = autoattack(darker, x, y, norm=norm, eps=eps, n_classes=4, seed=0)
    assert found.robust.tolist() == [False, True] and found.broken_by == ("APGD-CE", "")
    assert float(lengths(found.adversarial - x, norm)[0]) == pytest.approx(eps, rel=1e-4)
    assert torch.equal(found.adversarial[1], x[1])
    assert [part.broken for part in found.parts] == [1, 0, 0, 0] and [part.images for part in found.parts] == [
        2,
        1,
        1,
        1,
    ]


def test_a_part_that_leaves_the_box_is_brought_back(monkeypatch):
    model, x, y = firm(4)
    monkeypatch.setattr(parts_of, "_part", lambda *settings: lambda x, y: x - 1.5)
    found = autoattack(model, x, y, norm="Linf", eps=1.0, n_classes=4, seed=0)
    assert float(found.adversarial.min()) >= 0
    assert torch.equal(model(found.adversarial).argmax(1) == y, found.robust)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_square_alone_is_brought_back_too(norm: Norm, monkeypatch):
    model, x, y = firm(4)
    monkeypatch.setattr(parts_of, "_part", lambda *settings: lambda x, y: x + 0.4)
    moved = parts_of.finish(parts_of.square_steps(model, x, y, norm=norm, eps=0.05, queries=10, seed=0))
    assert float(lengths(moved - x, norm).max()) <= 0.05 + 1e-6 and float(moved.max()) <= 1
