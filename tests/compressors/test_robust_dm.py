"""Robust distribution matching: one step against the slow obvious one, its pool, its order, resuming, limits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.attacks import pgd
from core.compressors.matching import learning, pool, robust_dm
from core.compressors.matching.learning import Learned, Real
from core.compressors.matching.robust_dm import Loop, Order
from core.errors import ConfigError
from core.events import drive, finish
from core.types import TrainSplit

SMALL = {"ipc": 3, "steps": 8, "width": 4, "batch": 6, "attack_steps": 2, "fresh": 3, "pool": 4, "inner": 1}


def split(counts: tuple[int, ...] = (12, 9, 2), shape: tuple[int, int, int] = (1, 9, 8)) -> TrainSplit:
    """Classes that differ by a bright column."""
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    x = rng.uniform(0, 0.6, (len(y), *shape))
    x[np.arange(len(y)), :, :, y % shape[2]] += 0.4
    return TrainSplit(x=(x * 255).astype(np.uint8), y=y)


def loop(seed: int = 5, n_classes: int = 3, **options) -> Loop:
    train, config = split(), robust_dm.Config(**{**SMALL, "augment": "off", **options})
    real = Real.of(train, "robust-dm", seed, "cpu")
    begun = pool.Pool.begin(real, config, n_classes)
    return Loop(real, Learned.begin(real, config), begun, config, (), n_classes)


def learned(on_event=lambda event: None, seed: int = 0, checkpoint=None, **options):
    config = robust_dm.Config(**{**SMALL, **options})
    return drive(
        robust_dm.condense(split(), config, n_classes=3, seed=seed, device="cpu", checkpoint=checkpoint), on_event
    )


@pytest.mark.parametrize("distance", ["tv", "squared"])
@pytest.mark.parametrize("contrast", [0.0, 0.4])
def test_a_step_is_the_slow_obvious_one(distance: str, contrast: float):
    made = loop(distance=distance, contrast=contrast, norm="L2", eps=0.4, inner=0, lr_img=2.0)
    member = made.pool.choose(0)
    member.accuracy = 0.3
    x, y, config = made.learned.x.clone(), torch.tensor(made.learned.y), made.config
    network, real = member.network, made.real
    loss = finish(made.advance())

    # every class: its batch, attacked; then the equations in the file's head, image by image
    batches = {label: made._rows(label, 0) for label in range(3)}
    rows = np.concatenate(list(batches.values()))
    images, classes = torch.tensor(real.train.pixels(rows)), torch.tensor(real.train.y[rows])
    start = torch.Generator().manual_seed(real.numbers("attack", 0, 0))
    hurt = pgd(network, images, classes, norm="L2", eps=0.4, steps=2, generator=start, keep="last")
    assert (hurt - images).flatten(1).norm(dim=1).max() > 0.1
    with torch.no_grad():
        wanted = torch.stack([network.features(one[None])[0] for one in hurt])
    own = x.clone().requires_grad_()
    features, total = torch.stack([network.features(one[None])[0] for one in own]), torch.zeros(())
    for label in range(3):
        away = features[y == label].mean(0) - wanted[classes == label].mean(0)
        gap = (away.abs().sum() / 2) ** 2 if distance == "tv" else (away**2).sum()
        entropy = -network.head(features[y == label]).log_softmax(1)[:, label].mean()
        part = 0.2 * gap + 0.8 * (0.05 * 100 * 0.3) * entropy
        if contrast:
            near = torch.stack([F.cosine_similarity(e[None], wanted) for e in features[y == label]]) / 0.1
            part = 0.6 * part - 0.4 * near.log_softmax(1)[:, classes == label].mean()
        total = total + part
    (gradient,) = torch.autograd.grad(total, own)
    scale = torch.tensor(real.statistics[1]).square().view(1, -1, 1, 1)
    assert loss == pytest.approx(float(total.detach()) / 3, rel=1e-4)
    torch.testing.assert_close(made.learned.x, (x - 2.0 * scale * gradient).clamp(0, 1), rtol=0, atol=1e-5)
    assert (made.learned.x - x).abs().max() > 1e-4 and config.told_apart == 0.05


def test_networks_of_the_pool_learn_from_attacked_images_alone_and_count_what_they_get_right():
    made = loop(norm="Linf", eps=0.2, lr_net=0.1)
    chosen = np.random.default_rng(made.real.numbers("trained", 0)).permutation(3)[:2]
    before = [[w.detach().clone() for w in member.network.parameters()] for member in made.pool.members]
    finish(made.pool.train(0))
    for place, (member, old) in enumerate(zip(made.pool.members, before, strict=True)):
        now = list(member.network.parameters())
        if place not in chosen:
            assert member.accuracy == 0 and all(torch.equal(a, b) for a, b in zip(now, old, strict=True))
            continue
        names = ("train", 0, member.number, 0)
        x, y = made.pool._batch(names)
        again = made.pool._drawn(member.number).network  # its weights at first
        start = torch.Generator().manual_seed(made.real.numbers(*names))
        hurt = pgd(again, x, y, norm="Linf", eps=0.2, steps=2, generator=start, keep="last")
        assert (hurt - x).abs().max() == pytest.approx(0.2, abs=1e-6)
        optimiser = torch.optim.SGD(again.parameters(), lr=0.1, momentum=0.9, weight_decay=0.0005)
        logits = again(hurt)
        F.cross_entropy(logits, y).backward()
        optimiser.step()
        for ours, theirs in zip(now, again.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
        assert member.accuracy == pytest.approx(0.1 * float((logits.argmax(1) == y).float().mean()), abs=1e-6)


def test_fresh_networks_come_and_the_oldest_leave():
    made = loop()
    numbers = []
    for step in range(10):
        made.pool.choose(step)
        numbers.append([member.number for member in made.pool.members])
    assert numbers == [[0, 1, 2]] * 3 + [[0, 1, 2, 3]] * 3 + [[1, 2, 3, 4]] * 3 + [[2, 3, 4, 5]]


def test_attacks_go_towards_the_next_class_when_that_is_the_aim():
    x = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    y = torch.arange(40) % 3
    weights = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))

    class Linear(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1) @ weights

    config = robust_dm.Config(**{**SMALL, "attack_steps": 10, "eps": 0.3}, aim="next")
    moved = finish(pool.attacked(Linear(), x, y, config, 3, 0))
    away = finish(pool.attacked(Linear(), x, y, config.model_copy(update={"aim": "untargeted"}), 3, 0))
    reached = [float((Linear()(images).argmax(1) == (y + 1) % 3).float().mean()) for images in (moved, away)]
    assert reached[0] > reached[1] + 0.2


def test_real_images_come_in_passes_the_widest_broken_first():
    real = Real.of(split(), "robust-dm", 0, "cpu")
    order = Order(np.zeros(len(real.train), np.float32))
    first = np.concatenate([order.take(real, 0, 5, step) for step in range(3)])
    assert sorted(first) == list(range(12))  # 5, 5 and 2: the whole class once
    order.hurt[:12] = np.arange(12) % 7
    second = np.concatenate([order.take(real, 0, 5, step) for step in range(3, 6)])
    assert sorted(second) == list(range(12)) and (np.diff(order.hurt[second]) <= 0).all()
    again = Order.unpack(order.pack())
    assert again.pack().keys() == order.pack().keys()
    for name, values in order.pack().items():
        np.testing.assert_array_equal(again.pack()[name], values)


def test_how_far_attacks_push_real_images_is_remembered():
    made = loop(order="margin", eps=0.3, inner=0)
    finish(made.advance())
    assert made.order is not None
    seen = made.order.hurt > 0
    assert 0 < seen.sum() <= 6 + 6 + 2


@pytest.mark.parametrize("options", [{}, {"order": "margin", "contrast": 0.5, "augment": "auto"}])
def test_resuming_equals_never_having_stopped(monkeypatch, options: dict):
    monkeypatch.setattr(learning, "CHECKPOINT_S", 0.0)
    events = []
    whole = learned(on_event=events.append, **options)
    states = [event.state for event in events if event.state is not None]
    assert len(states) == SMALL["steps"] - 1
    for state in (states[0], states[3], states[-1]):
        assert learned(checkpoint=state, **options).hash == whole.hash
    assert learned(seed=1, **options).hash != whole.hash


def test_presets_are_complete_and_as_published():
    paper = robust_dm.Config(preset="paper", ipc=50)
    assert (paper.steps, paper.batch, paper.told_apart, paper.fresh, paper.pool) == (20_000, 256, 0.1, 30, 100)
    one = robust_dm.Config(preset="paper", ipc=1)
    assert (one.batch, one.told_apart, one.fresh) == (5000, 0.5, 5)
    assert None not in robust_dm.Config().model_dump().values()
    with pytest.raises(ConfigError, match="at least one train image"):
        empty = TrainSplit(x=np.zeros((0, 1, 8, 8), np.uint8), y=np.zeros(0, np.int64))
        drive(robust_dm.condense(empty, robust_dm.Config(), n_classes=3, seed=0, device="cpu"))
