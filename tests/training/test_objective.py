"""The trained loss against closed forms: weights as duplicates, radii of covers on a linear model, refusals."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from core.errors import ConfigError
from core.events import drive
from core.networks.model import build
from core.training import TRAINERS
from core.training.adversarial import Config as Adversarial
from core.training.attacking import attacked
from core.training.loop import train_loss
from core.training.objective import prepare
from core.training.standard import Config as Standard
from core.types import CondensedSet

SHAPE = (1, 3, 3)


def cover(m=6, n_classes=2, seed=0, **changes):
    """Images in the middle grey range, so that no ball of the tests meets the pixel box."""
    rng = np.random.default_rng(seed)
    values = {
        "x": rng.uniform(0.45, 0.55, (m, *SHAPE)).astype(np.float32),
        "y": np.arange(m, dtype=np.int64) % n_classes,
        "weights": np.array([1, 5, 2, 3, 7, 4][:m], np.int64),
        "ball_radius": np.linspace(0.0, 0.2, m),
        "norm": "Linf",
        "radius": 0.2,
    }
    return CondensedSet(n_classes=n_classes, method="mfc", **{**values, **changes})


def linear(n_classes=2, seed=0):
    """Logits W x + b, as a function on images."""
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, n_classes))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(generator=generator)
    return layer


def finish(work):
    try:
        while True:
            next(work)
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize(("norm", "dual"), [("Linf", 1), ("L2", 2)])
@pytest.mark.parametrize("policy", ["eps", "eps + radius", "eps + fraction * radius"])
def test_the_loss_on_a_linear_model_is_the_generalised_adversarial_loss_in_closed_form(norm, dual, policy):
    """Two classes: the worst image lowers the logit gap by exactly eps_s times the dual norm of w_1 - w_0."""
    condensed, model = cover(norm=norm), linear()
    config = Adversarial(
        norm=norm,
        eps=0.1,
        attack_steps=100,
        step_size=0.02,
        radius_policy=policy,
        fraction=0.25,
        weighted=True,
        loss="ce",
    )
    samples = prepare(condensed, config, "cpu")
    generator = torch.Generator().manual_seed(0)
    worst = finish(attacked(model, samples, config, config.attack_steps, generator))
    trained = (samples.weight * train_loss(config)(model(worst), samples.targets)).mean()

    share = {"eps": 0.0, "eps + radius": 1.0, "eps + fraction * radius": 0.25}[policy]
    eps = torch.tensor(0.1 + share * condensed.ball_radius)
    logits, weight = model(torch.tensor(condensed.x.copy())).double(), model[1].weight.double()
    y = torch.tensor(condensed.y.copy())
    gap = logits.gather(1, y[:, None])[:, 0] - logits.gather(1, 1 - y[:, None])[:, 0]
    gap = gap - eps * (weight[1] - weight[0]).norm(p=dual)
    w = torch.tensor(condensed.weights.copy(), dtype=torch.float64)
    expected = (w * torch.nn.functional.softplus(-gap)).sum() / w.sum()
    assert float(trained.detach()) == pytest.approx(float(expected.detach()), rel=2e-4)


@pytest.mark.parametrize("loss", ["ce", "mse"])
def test_weights_act_as_duplicates(loss):
    condensed, model = cover(), linear()
    twice = condensed.weights.repeat(1)
    copied = cover(
        12 + 10,
        x=np.repeat(condensed.x, twice, 0), y=np.repeat(condensed.y, twice), weights=None, ball_radius=None, norm=None,
    )  # fmt: skip
    gradients = []
    for data, weighted in ((condensed, True), (copied, False)):
        config = Standard(weighted=weighted, loss=loss)
        samples = prepare(data, config, "cpu")
        value = (samples.weight * train_loss(config)(model(samples.x), samples.targets)).mean()
        gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, list(model.parameters()))]))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_weights_act_as_duplicates_through_a_whole_training():
    condensed = cover(4, weights=np.array([1, 2, 1, 3], np.int64), ball_radius=np.zeros(4))
    copied = cover(
        7, x=np.repeat(condensed.x, condensed.weights, 0), y=np.repeat(condensed.y, condensed.weights),
        weights=None, ball_radius=None, norm=None,
    )  # fmt: skip
    states = []
    for data, weighted in ((condensed, True), (copied, False)):
        network = build("mlp", {"width": 8, "depth": 1}, SHAPE, 2, [0.5], [0.1], seed=0)
        config = Standard(epochs=5, batch=64, weighted=weighted, optimizer="sgd", lr=0.1)
        states.append(
            drive(TRAINERS["standard"].train(data, network, config, validation=None, seed=0, device="cpu"))["last"]
        )
    for name in states[0].state:
        np.testing.assert_allclose(states[0].state[name], states[1].state[name], rtol=1e-4, atol=1e-6)


def test_soft_labels_are_trained_as_they_are():
    soft = np.random.default_rng(0).dirichlet(np.ones(2), 6).astype(np.float32)
    model = linear()
    for loss, expected in (
        ("ce", lambda z, t: -(t * z.log_softmax(1)).sum(1)),
        ("mse", lambda z, t: (z - t).square().sum(1)),
    ):
        config = Standard(loss=loss)
        samples = prepare(cover(soft_labels=soft), config, "cpu")
        logits = model(samples.x)
        torch.testing.assert_close(train_loss(config)(logits, samples.targets), expected(logits, torch.tensor(soft)))


def test_hard_labels_under_mse_are_one_hot_minus_the_mean():
    samples = prepare(cover(), Standard(loss="mse"), "cpu")
    logits = linear()(samples.x)
    centred = torch.eye(2)[samples.y] - 0.5
    torch.testing.assert_close(
        train_loss(Standard(loss="mse"))(logits, samples.targets), (logits - centred).square().sum(1)
    )
    ce = train_loss(Standard())(logits, samples.targets)
    torch.testing.assert_close(ce, cross_entropy(logits, samples.y, reduction="none"))


@pytest.mark.parametrize(
    ("config", "changes", "sentence"),
    [
        (Adversarial(radius_policy="eps + radius"), {"ball_radius": None, "norm": None}, "needs a cover"),
        (Adversarial(radius_policy="eps + radius", norm="L2"), {}, "attack L2 and cover Linf"),
        (Adversarial(weighted=True), {"weights": None}, "switch weighted off"),
        (Standard(), {"soft_labels": np.array([[0.5, -0.5]] * 6, np.float32)}, "choose loss mse"),
    ],
)
def test_settings_that_do_not_fit_the_set_are_refused_in_a_sentence(config, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        prepare(cover(**changes), config, "cpu")


def test_a_step_without_an_eps_is_refused():
    with pytest.raises(ConfigError, match="step_size belongs to an eps above 0"):
        Adversarial(eps=0, step_size=0.1)
