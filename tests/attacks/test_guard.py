"""A model and the random state are as before, after success, an exception and an early close."""

import pytest
import torch
from torch import nn

from core.attacks import autoattack, autoattack_steps, carlini_wagner, deepfool, fgsm, pgd, pgd_steps, untouched


class Fragile(nn.Module):
    """A network whose forward pass fails at a chosen call, and draws from the global stream."""

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 5))
        self.fail_at, self.calls = fail_at, 0

    def forward(self, x):
        self.calls += 1
        if self.calls == self.fail_at:
            raise RuntimeError("the accelerator fell asleep")
        return self.body(x) + 0 * torch.rand(1)


def prepared(fail_at: int | None = None) -> tuple[Fragile, torch.Tensor, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Fragile(fail_at)
        x = torch.rand(6, 1, 8, 8)
    model.train()
    model.body[2].eval()
    model.body[1].weight.requires_grad_(False)
    model.body[4].weight.grad = torch.ones_like(model.body[4].weight)
    y = model.body(x).argmax(1)
    model.calls = 0
    return model, x, y


def state(model: nn.Module) -> tuple:
    return (
        [module.training for module in model.modules()],
        [p.requires_grad for p in model.parameters()],
        [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        [p.tolist() for p in model.parameters()],
        torch.get_rng_state().tolist(),
    )


ATTACKS = {
    "fgsm": lambda m, x, y: fgsm(m, x, y, norm="Linf", eps=0.1),
    "pgd": lambda m, x, y: pgd(m, x, y, norm="L2", eps=0.1, steps=4, generator=torch.Generator()),
    "pgd-last": lambda m, x, y: pgd(m, x, y, norm="L2", eps=0.1, steps=4, generator=torch.Generator(), keep="last"),
    "deepfool": lambda m, x, y: deepfool(m, x, y, norm="L2", steps=3),
    "carlini-wagner": lambda m, x, y: carlini_wagner(m, x, y, steps=3, searches=2),
    "autoattack": lambda m, x, y: autoattack(m, x, y, norm="Linf", eps=0.01, n_classes=5, seed=0, preset="quick"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_everything_is_restored_after_success(name):
    model, x, y = prepared()
    before = state(model)
    ATTACKS[name](model, x, y)
    assert model.calls > 0
    assert state(model) == before


@pytest.mark.parametrize(
    ("name", "fail_at"), [(name, 1) for name in ATTACKS] + [("pgd", 3), ("deepfool", 2), ("carlini-wagner", 3)]
    + [("autoattack", call) for call in (2, 5, 60)],
)  # fmt: skip
def test_everything_is_restored_after_an_exception(name, fail_at):
    model, x, y = prepared(fail_at)
    before = state(model)
    with pytest.raises(RuntimeError, match="asleep"):
        ATTACKS[name](model, x, y)
    assert state(model) == before


@pytest.mark.parametrize("steps_before_close", [1, 3])
def test_everything_is_restored_when_left_in_the_middle(steps_before_close):
    model, x, y = prepared()
    before = state(model)
    for run in (
        pgd_steps(model, x, y, norm="Linf", eps=0.01, steps=9, generator=torch.Generator()),
        autoattack_steps(model, x, y, norm="Linf", eps=0.01, n_classes=5, seed=0),
    ):
        for _ in range(steps_before_close):
            next(run)
        run.close()
        assert state(model) == before


def test_a_plain_function_keeps_the_random_state():
    before = torch.get_rng_state()
    with untouched(lambda x: x):
        torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), before)
