"""Trajectory matching: what is left of the way against steps in numbers, its limits, what students are drawn from."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.compressors.matching import learning, mtt
from core.compressors.matching.trajectory_options import MAT, MTT, robust_teacher, teacher
from core.errors import ConfigError
from core.events import drive, finish
from core.networks.model import build
from core.types import Experts, TrainSplit

SMALL = {"ipc": 2, "steps": 4, "expert_count": 3, "expert_epochs": 6, "latest": 3, "span": 2, "student_steps": 3}
SHAPE = (1, 4, 4)


def split() -> TrainSplit:
    rng = np.random.default_rng(3)
    return TrainSplit(x=rng.integers(0, 256, (30, *SHAPE)).astype(np.uint8), y=np.arange(30) % 3, levels=255)


def experts(epochs: int = 6, **changes) -> Experts:
    """Three ways of a small MLP, each epoch one random step."""
    network = build("mlp", {"width": 5, "depth": 1}, SHAPE, 3, [0.5], [0.3], seed=0)
    count = sum(p.numel() for p in network.parameters())
    steps = np.random.default_rng(1).normal(0, 0.1, (3, epochs + 1, count)).astype(np.float32)
    made = Experts(network="mlp", options={"width": 5, "depth": 1}, shape=SHAPE, n_classes=3, mean=(0.5,), std=(0.3,),
                   weights=steps.cumsum(1), training="standard")  # fmt: skip
    return replace(made, **changes)


def loop(**options) -> mtt.Loop:
    config, train = MTT(**{**SMALL, **options}), split()
    real = learning.Real.of(train, "mtt", 0, "cpu")
    return mtt.Loop(real, learning.Learned.begin(real, config), experts(), config)


class Linear:
    """Softmax regression in float64, whose steps can be written down."""

    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False)).double()
    x = torch.tensor(np.random.default_rng(0).random((4, 1, 2, 2)))
    y = torch.tensor([0, 1, 2, 1])
    begin = torch.tensor(np.random.default_rng(1).normal(size=12))
    goal = torch.tensor(np.random.default_rng(2).normal(size=12))
    rows = (torch.tensor([0, 2]), torch.tensor([3, 1]), torch.tensor([1, 2, 3]))

    @classmethod
    def left(cls, x, rate, goal=None, view=lambda x: x) -> torch.Tensor:
        rate = torch.as_tensor(rate, dtype=torch.float64)
        batches = [(rows, view) for rows in cls.rows]
        goal = cls.goal if goal is None else goal
        return finish(mtt.followed(cls.network, x, cls.y, cls.begin, goal, rate, batches))

    @classmethod
    def student(cls, x: np.ndarray, rate: float) -> np.ndarray:
        """The weights after the steps: each takes the mean over images of (softmax - one-hot) times the image."""
        weights = cls.begin.numpy().reshape(3, 4).copy()
        for rows in cls.rows:
            images, labels = x[rows].reshape(-1, 4), cls.y[rows].numpy()
            scores = np.exp(images @ weights.T)
            error = scores / scores.sum(1, keepdims=True) - np.eye(3)[labels]
            weights -= rate * error.T @ images / len(images)
        return weights.ravel()


def test_what_is_left_of_the_way_is_that_of_steps_in_numbers():
    begin, goal = Linear.begin.numpy(), Linear.goal.numpy()
    wanted = ((Linear.student(Linear.x.numpy(), 0.3) - goal) ** 2).sum() / ((begin - goal) ** 2).sum()
    assert float(Linear.left(Linear.x, 0.3).detach()) == pytest.approx(wanted, rel=1e-12)
    darker = Linear.left(Linear.x, 0.3, view=lambda x: x / 2).detach()
    half = ((Linear.student(Linear.x.numpy() / 2, 0.3) - goal) ** 2).sum() / ((begin - goal) ** 2).sum()
    assert float(darker) == pytest.approx(half, rel=1e-12)


def test_its_gradient_goes_through_every_step():
    x, rate = Linear.x.clone().requires_grad_(), torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    g_x, g_rate = torch.autograd.grad(Linear.left(x, rate), (x, rate))
    small = 1e-6
    for place in [(0, 0, 0, 1), (1, 0, 1, 1), (3, 0, 1, 0)]:
        moved = torch.zeros_like(x)
        moved[place] = small
        rise = (Linear.left(Linear.x + moved, rate) - Linear.left(Linear.x - moved, rate)) / (2 * small)
        assert float(g_x[place]) == pytest.approx(float(rise.detach()), rel=1e-5)
    rise = (Linear.left(Linear.x, rate + small) - Linear.left(Linear.x, rate - small)) / (2 * small)
    assert float(g_rate) == pytest.approx(float(rise.detach()), rel=1e-5)


def test_nothing_is_left_where_the_expert_learned_from_the_same_images_and_all_where_nobody_moves():
    goal = torch.tensor(Linear.student(Linear.x.numpy(), 0.3))
    x = Linear.x.clone().requires_grad_()
    left = Linear.left(x, 0.3, goal=goal)
    assert float(left.detach()) < 1e-20 and float(torch.autograd.grad(left, x)[0].abs().max()) < 1e-9
    assert float(Linear.left(Linear.x, 0.0).detach()) == pytest.approx(1.0, rel=1e-12)


def test_students_begin_on_every_expert_up_to_the_latest_epoch_and_are_compared_a_span_later(monkeypatch):
    made, seen = loop(), set()

    def watched(network, x, y, begin, goal, rate, batches):
        ways = made.experts.weights
        which, first = (int(v[0]) for v in np.nonzero((ways == begin.numpy()).all(2)))
        assert np.array_equal(ways[which, first + 2], goal.numpy())
        assert [len(rows) for rows, _ in batches] == [6, 6, 6]  # all learned images: fewer than a batch
        seen.add((which, first))
        return (x.sum() + rate) * 0
        yield

    monkeypatch.setattr(mtt, "followed", watched)
    for made.learned.step in range(120):
        finish(made.advance())
    assert seen == {(which, first) for which in range(3) for first in range(4)}


def test_a_small_batch_goes_through_all_images_before_any_comes_again():
    made = loop(batch=4, student_steps=3)
    rows = [rows for rows, _ in made._batches(0)]
    assert [len(part) for part in rows] == [4, 2, 4] and sorted(torch.cat(rows[:2]).tolist()) == list(range(6))
    assert rows[0].tolist() != made._batches(1)[0][0].tolist()


def test_a_step_moves_images_and_rate_down_the_slope_with_momentum():
    made = loop(lr_img=0.5, lr_lr=0.01, momentum=0.5, augment="off")
    x, rate, velocity, v_rate = made.learned.x.clone(), made.rate.clone(), 0.0, 0.0
    for step in range(2):
        rng = np.random.default_rng(made.real.numbers("start", step))
        path = torch.tensor(made.experts.weights[rng.integers(3)])
        first = int(rng.integers(4))
        leaf, free = x.clone().requires_grad_(), rate.clone().requires_grad_()
        left = finish(mtt.followed(made.network, leaf, made.labels, path[first], path[first + 2], free,
                                   made._batches(step)))  # fmt: skip
        g_x, g_rate = torch.autograd.grad(left, (leaf, free))
        velocity = 0.5 * velocity + g_x * made.learned.scale
        x, v_rate = (x - 0.5 * velocity).clamp(0, 1), 0.5 * v_rate + g_rate
        rate = (rate - 0.01 * v_rate).clamp(min=mtt.SLOWEST)
        assert finish(made.advance()) == pytest.approx(float(left.detach()), rel=1e-5)
        assert torch.allclose(made.learned.x, x, atol=1e-6) and float(made.rate) == pytest.approx(float(rate), rel=1e-5)


def test_images_learn_to_lead_where_the_expert_went():
    """Experts that learned from two images a class: what is left falls far below the real images' from step to step."""
    losses = []
    config = MTT(**{**SMALL, "steps": 60, "lr_img": 3.0, "lr_student": 0.1, "lr_lr": 0.0, "augment": "off"})
    work = mtt.condense(split(), config, n_classes=3, seed=0, device="cpu", experts=followers())
    drive(work, lambda e: losses.append(e.values["loss"]) if "loss" in e.values else None)
    assert losses[-1] < 0.7 * losses[0]


def followers() -> Experts:
    """An expert that took three steps of SGD an epoch on hidden images."""
    network = build("mlp", {"width": 5, "depth": 1}, SHAPE, 3, [0.5], [0.3], seed=0)
    hidden = torch.tensor(np.random.default_rng(9).random((6, *SHAPE), np.float32))
    way = []
    for _ in range(7):
        way.append(torch.cat([p.detach().flatten() for p in network.parameters()]).numpy().copy())
        for _ in range(3):
            loss = nn.functional.cross_entropy(network(hidden), torch.arange(6) // 2)
            slopes = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for weight, slope in zip(network.parameters(), slopes, strict=True):
                    weight -= 0.1 * slope
    return experts(weights=np.stack(way)[None])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "needs trained experts, got none"),
        (experts(epochs=4), "need experts of 5 epochs, got 4: lower latest or span"),
        (experts(shape=(1, 8, 8)), r"for \(1, 4, 4\) images of 3 classes, got some for \(1, 8, 8\) of 3"),
        (experts(n_classes=2), "of 3 classes, got some for"),
        (experts(weights=np.ones_like(experts().weights)), "an expert does not move: raise lr_expert"),
    ],
)
def test_experts_that_cannot_be_followed_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        drive(mtt.condense(split(), MTT(**SMALL), n_classes=3, seed=0, device="cpu", experts=given))


def test_students_that_would_outlive_their_experts_are_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="needs experts of 9 epochs, got 6"):
        MTT(**{**SMALL, "latest": 7})


def test_the_experts_of_both_are_trained_as_published():
    plain, robust = teacher(MTT(**SMALL), (1, 8, 8)), robust_teacher(MAT(**SMALL, eps=0.2), (1, 1, 2))
    assert plain["network"] == {"name": "convnet", "options": {"width": 16, "depth": 2}}
    assert robust["network"]["name"] == "mlp" and robust["training"]["name"] == "adversarial"
    asked = robust["training"]["options"]
    assert (asked["eps"], asked["norm"], asked["average"], asked["warmup"]) == (0.2, "Linf", 0.99, 0.0)
    same = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant", "epochs": 6}
    assert same.items() <= asked.items() and same.items() <= plain["training"]["options"].items()
