"""FRePo and its adversarial form: one step against the slow obvious one, the lives of its networks, resuming."""

import numpy as np
import pytest
import torch

from core.attacks import pgd
from core.compressors.kernel.state import Real, Support, Threat, source
from core.compressors.regression import frepo
from core.compressors.regression.networks import Networks
from core.compressors.regression.options import AdvFRePo, FRePo
from core.errors import ConfigError
from core.events import drive, finish
from core.networks.statistics import channel_statistics
from core.types import TrainSplit

SMALL = {"ipc": 2, "steps": 8, "width": 2, "batch": 20, "pool": 3, "life": 4, "held_out": 6}


def split(counts: tuple[int, ...] = (14, 12, 9), shape: tuple[int, int, int] = (1, 8, 8)) -> TrainSplit:
    """Classes that differ by a bright column."""
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    x = rng.uniform(0, 0.6, (len(y), *shape))
    x[np.arange(len(y)), :, :, y % shape[2]] += 0.4
    return TrainSplit(x=(x * 255).astype(np.uint8), y=y)


def loop(threat: Threat, seed: int = 5, **options) -> frepo.Loop:
    train, config = split(), FRePo(**{**SMALL, **options})
    real = Real.split(train, config.held_out, seed, "cpu")
    support = Support.begin(real, config, 3, seed, None)
    networks = Networks.begin(config, train.shape, 3, channel_statistics(train), seed, "cpu")
    return frepo.Loop(real, support, networks, config, threat, 3, seed)


def learned(name: str = "frepo", on_event=lambda event: None, seed: int = 0, checkpoint=None, **options):
    work, Config = (frepo.condense, FRePo) if name == "frepo" else (frepo.condense_adversarial, AdvFRePo)
    config = Config(**{**SMALL, **options})
    return drive(work(split(), config, n_classes=3, seed=seed, device="cpu", checkpoint=checkpoint), on_event)


@pytest.mark.parametrize("eps", [0.0, 0.2])
@pytest.mark.parametrize("family", ["small-cnn", "convnet"])
def test_a_step_is_the_slow_obvious_one(family: str, eps: float, monkeypatch: pytest.MonkeyPatch):
    made = loop(
        Threat(norm="Linf", eps=eps, steps=3, warmup=0.0, watch_eps=eps), family=family, learn_labels=True, ridge=1e-2
    )
    member = made.networks.at(0)
    features, x_s, y_s = member.network.features, made.support.x.clone(), made.support.targets.clone()
    x, labels = made.real.batch(20, 5, 0)
    y = torch.eye(3)[labels] - 1 / 3

    own, targets = x_s.clone().requires_grad_(), y_s.double().requires_grad_()
    phi = features(own).double()
    gram = phi @ phi.T
    ridge = 1e-2 * gram.trace() / len(gram) * torch.eye(len(gram), dtype=torch.float64)
    weights = phi.T @ torch.linalg.inv(gram + ridge) @ targets
    if eps:
        held = weights.detach().float()
        x = pgd(lambda images: features(images) @ held, x, y, norm="Linf", eps=eps, steps=3, loss="mse",
                generator=source(5, "attack", 0), keep="last")  # fmt: skip
    with torch.no_grad():
        seen = features(x).double()
    loss = (seen @ weights - y).square().sum(1).mean()
    expected = torch.autograd.grad(loss, [own, targets])

    moved = []

    def move(g_x, g_y, lr, box):
        moved.append((g_x.clone(), g_y.clone(), lr, box))

    monkeypatch.setattr(made.support, "move", move)
    values = finish(made.advance())
    assert values["loss"] == pytest.approx(float(loss.detach()), rel=1e-5) and values["eps"] == eps
    g_x, g_y, lr, box = moved[0]
    torch.testing.assert_close(g_x, expected[0], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(g_y, expected[1], rtol=1e-3, atol=1e-6)
    assert g_x.abs().max() > 1e-4 and (lr, box) == (0.01, True)


def test_the_network_of_a_step_learns_the_moved_images_and_no_other_does():
    made = loop(frepo.NO_ATTACK, life=40)
    chosen = made.networks.at(0)
    others = [member for member in made.networks.members if member is not chosen]
    before = {id(m): [w.detach().clone() for w in m.network.parameters()] for m in made.networks.members}
    left = chosen.left
    finish(made.advance())
    for member in others:
        assert all(torch.equal(a, b) for a, b in zip(member.network.parameters(), before[id(member)], strict=True))
    # one step of Adam from fresh memory moves each weight by the rate against the sign of its gradient
    now = [w.detach().clone() for w in chosen.network.parameters()]
    with torch.no_grad():
        for weight, old in zip(chosen.network.parameters(), before[id(chosen)], strict=True):
            weight.copy_(old)
    error = (chosen.network(made.support.x) - made.support.targets).square().sum(1).mean()
    slopes = torch.autograd.grad(error, list(chosen.network.parameters()))
    for new, old, slope in zip(now, before[id(chosen)], slopes, strict=True):
        clear = slope.abs() > 1e-4
        torch.testing.assert_close((new - old)[clear], -0.0003 * slope[clear].sign(), rtol=1e-2, atol=1e-6)
    assert chosen.left == left - 1 and any((slope.abs() > 1e-4).any() for slope in slopes)


def test_lives_end_one_after_another_and_fresh_networks_follow():
    made = loop(frepo.NO_ATTACK, life=4, pool=3)
    assert [member.left for member in made.networks.members] == [1, 3, 4]
    first = made.networks.members[0]
    before = [w.detach().clone() for w in first.network.parameters()]
    made.networks.train(first, made.support.x, made.support.targets)
    fresh = made.networks.members[0]
    assert fresh is not first and (fresh.births, fresh.left) == (1, 4)
    assert not all(torch.equal(a, b) for a, b in zip(before, fresh.network.parameters(), strict=True))


def test_regression_on_the_features_predicts_the_held_out_images():
    last = {}
    learned(on_event=lambda event: last.update(event.values), steps=60, batch=28, width=8, lr=0.02, lr_net=0.003)
    assert last["regression_clean_acc"] >= 0.8


def test_the_attack_grows_with_the_warm_up_and_costs_accuracy():
    seen = []
    learned("adv-frepo", on_event=lambda event: seen.append(dict(event.values)), eps=0.2, attack_steps=2, warmup=0.5)
    eps = [values["eps"] for values in seen if "eps" in values]
    assert eps == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2, 0.2])
    judged = [values for values in seen if "regression_robust_acc" in values]
    assert judged and all(v["regression_robust_acc"] <= v["regression_clean_acc"] for v in judged)


def test_without_an_attack_the_adversarial_form_is_the_plain_one():
    assert np.array_equal(learned().x, learned("adv-frepo", eps=0.0).x)
    assert not np.array_equal(learned().x, learned("adv-frepo", eps=0.2).x)


@pytest.mark.parametrize("options", [{}, {"learn_labels": True, "init": "noise", "family": "convnet"}])
@pytest.mark.parametrize("name", ["frepo", "adv-frepo"])
def test_resuming_equals_never_having_stopped(monkeypatch, name: str, options: dict):
    monkeypatch.setattr(frepo, "CHECKPOINT_S", 0.0)
    events = []
    whole = learned(name, on_event=events.append, **options)
    states = [event.state for event in events if event.state is not None]
    assert len(states) == SMALL["steps"] - 1
    for state in (states[0], states[3], states[-1]):
        assert learned(name, checkpoint=state, **options).hash == whole.hash
    assert learned(name, seed=1, **options).hash != whole.hash
    assert (whole.soft_labels is not None) == options.get("learn_labels", False)


def test_no_images_are_refused():
    empty = TrainSplit(x=np.zeros((0, 1, 8, 8), np.uint8), y=np.zeros(0, np.int64))
    with pytest.raises(ConfigError, match="frepo needs at least one train image"):
        drive(frepo.condense(empty, FRePo(), n_classes=3, seed=0, device="cpu"))
