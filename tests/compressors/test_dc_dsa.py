"""DC and DSA: the distance by hand and from the formula, a step and a round against slow obvious ones, resuming."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from core.compressors.architecture import blocks
from core.compressors.matching import dc, dsa, gradient, learning
from core.errors import ConfigError
from core.events import drive, finish
from core.networks.augment import augment, draw
from core.types import TrainSplit

SMALL = {"ipc": 3, "steps": 9, "width": 5, "batch": 8, "outer": 4, "inner": 2, "lr_img": 0.05}


def split(counts=(20, 14, 2), shape=(1, 9, 8), levels: int = 255) -> TrainSplit:
    """Classes that differ by a bright column."""
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    x = rng.uniform(0, 0.6, (len(y), *shape))
    x[np.arange(len(y)), :, :, y % shape[2]] += 0.4
    return TrainSplit(x=(x * 255).astype(np.uint8) if levels else x.astype(np.float32), y=y, levels=levels)


def learned(method=dc, train=None, on_event=lambda event: None, seed: int = 0, checkpoint=None, **options):
    config = method.Config(**{**SMALL, **options})
    train = split() if train is None else train
    work = method.condense(train, config, n_classes=4, seed=seed, device="cpu", checkpoint=checkpoint)
    return drive(work, on_event)


def obvious(found, wanted) -> float:
    """Zhao et al. 2021: over layers l and outputs i, 1 - <A_i, B_i> / (|A_i| |B_i|), in numbers."""
    total = 0.0
    for a, b in zip(found, wanted, strict=True):
        for ours, theirs in zip(a.detach().double().numpy(), b.detach().double().numpy(), strict=True):
            total += 1 - (ours * theirs).sum() / (np.sqrt((ours**2).sum()) * np.sqrt((theirs**2).sum()))
    return total


def loop_of(method, train: TrainSplit, **options) -> gradient.Loop:
    config = method.Config(**{**SMALL, **options})
    real = learning.Real.of(train, "dc", 0, "cpu")
    kinds = learning.kinds(config.augment, train.shape) if method is dsa else ()
    return gradient.Loop(real, learning.Learned.begin(real, config), config, kinds, 4)


def test_the_distance_by_hand():
    """One output turned by 90 degrees counts 1, one turned round 2, one longer only 0; layers add up."""
    a = torch.tensor([[3.0, 0.0], [1.0, 1.0], [2.0, 4.0]])
    b = torch.tensor([[0.0, 5.0], [-2.0, -2.0], [1.0, 2.0]])
    assert float(gradient.distance([a], [b])) == pytest.approx(3, abs=1e-5)
    assert float(gradient.distance([a, a], [b, a])) == pytest.approx(3, abs=1e-5)
    filters = torch.arange(8.0).reshape(2, 1, 2, 2)
    cosine = (0 * 3 + 1 * 2 + 2 * 1 + 3 * 0) / 14
    turned = torch.stack([filters[0].flip(1, 2), filters[1]])
    assert float(gradient.distance([turned], [filters])) == pytest.approx(1 - cosine, abs=1e-5)


def test_the_distance_is_the_formula_and_ignores_length():
    generator = torch.Generator().manual_seed(0)
    a, b = ([torch.randn(shape, generator=generator) for shape in ((4, 3, 3, 3), (5, 7))] for _ in range(2))
    assert float(gradient.distance(a, b)) == pytest.approx(obvious(a, b), abs=1e-4)
    assert float(gradient.distance([9 * x for x in a], b)) == pytest.approx(obvious(a, b), abs=1e-4)
    assert float(gradient.distance(a, a)) == pytest.approx(0, abs=1e-4)


def test_only_weights_of_convolutions_and_linear_layers_are_matched():
    network = loop_of(dc, split())._drawn(0)
    shapes = [tuple(weight.shape) for weight in gradient.matched(network)]
    assert shapes == [(5, 1, 3, 3), (5, 5, 3, 3), (4, 5 * 3 * 2)]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_gradients_in_parts_are_those_of_the_whole_mean_loss(size: int):
    loop = loop_of(dc, split())
    network, x = loop._drawn(0), loop.real.batch(1, 8, 0)
    network(x).log_softmax(1)[:, 1].mean().neg().backward()
    whole = [weight.grad for weight in network.parameters() if weight.ndim > 1]
    parts = finish(gradient.gradients_in_parts(network, x, 1, size))
    for a, b in zip(parts, whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", [dc, dsa])
def test_many_images_of_a_class_in_parts_give_the_gradient_of_the_whole(method):
    loop = loop_of(method, split())
    network, change = loop._drawn(0), loop.real.changes(loop.kinds, 0)[0]
    wanted = gradient.gradients(network, loop.real.batch(0, 8, 0), 0)
    x = loop.real.batch(0, 13, 1)
    whole, parts = (finish(gradient.pull(network, x, change, 0, wanted, size)) for size in (13, 3))
    assert parts[1] == pytest.approx(whole[1], rel=1e-4) and whole[0].abs().max() > 1e-3
    torch.testing.assert_close(parts[0], whole[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", [dc, dsa])
def test_two_steps_of_a_round_are_the_slow_obvious_ones(method):
    train = split(shape=(3, 9, 8))
    loop = loop_of(method, train, lr_net=0.1)
    real, network, source = loop.real, loop._drawn(0), loop.learned.x.clone()
    deviation = torch.tensor(real.statistics[1]).view(1, -1, 1, 1)
    x, velocity = source.double(), torch.zeros_like(source).double()
    network, deviation = network.double(), deviation.double()
    for step in range(2):
        changes = real.changes(loop.kinds, step)
        own, total = x.clone().requires_grad_(), torch.zeros((), dtype=torch.float64)
        for label, place in ((0, slice(0, 3)), (1, slice(3, 6)), (2, slice(6, 8))):
            sides = [real.batch(label, 8, step).double(), own[place]]
            if loop.kinds:
                sides = [augment(side, changes[label]) for side in sides]
            wanted, found = (
                torch.autograd.grad(
                    F.cross_entropy(network(side), torch.full((len(side),), label)), list(network.parameters()),
                    create_graph=True,
                )
                for side in sides
            )  # fmt: skip
            for a, b in zip(wanted, found, strict=True):
                if a.ndim > 1:
                    total = total + (1 - F.cosine_similarity(a.detach().flatten(1), b.flatten(1))).sum()
        loss = finish(loop.advance())
        assert loss == pytest.approx(float(total.detach()) / 3, rel=1e-3)
        (slope,) = torch.autograd.grad(total, own)
        velocity = 0.5 * velocity + deviation**2 * slope
        x = (x - 0.05 * 128 / 5 * velocity).clamp(0, 1)
        torch.testing.assert_close(loop.learned.x.double(), x, rtol=0, atol=2e-3)
        assert (loop.learned.x - source).abs().max() > 0.01
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
        generator = torch.Generator().manual_seed(real.numbers("train", step))
        for _ in range(2):
            order = torch.randperm(8, generator=generator)
            batch = x[order]
            if loop.kinds:
                batch = augment(batch, draw(loop.kinds, 8, generator))
            optimiser.zero_grad()
            F.cross_entropy(network(batch), torch.tensor(loop.learned.y)[order]).backward()
            optimiser.step()
        for a, b in zip(loop.network.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(a.double(), b, rtol=0, atol=1e-3)


def test_a_round_draws_a_network_and_trains_it_between_its_steps_only():
    loop, seen = loop_of(dc, split(), outer=3), []
    for _ in range(7):
        before = copy.deepcopy(loop.network.state_dict()) if loop.network else None
        finish(loop.advance())
        seen.append((before, copy.deepcopy(loop.network.state_dict())))

    def same(a, b):
        return all(torch.equal(a[name], b[name]) for name in a)

    fresh = [loop._drawn(step).state_dict() for step in (0, 3, 6)]
    assert not same(fresh[0], fresh[1])
    assert not same(seen[0][1], fresh[0]), "trained after the first step"
    assert same(seen[2][0], seen[2][1]), "not after the last"
    assert not same(seen[3][1], seen[3][0]) and not same(seen[4][0], seen[4][1])
    left = loop_of(dc, split(), inner=0)
    finish(left.advance())
    assert same(left.network.state_dict(), left._drawn(0).state_dict())


def test_without_changes_dsa_is_dc():
    train = split(counts=(9, 9, 9))
    loops = [loop_of(dc, train), loop_of(dsa, train, augment="off"), loop_of(dsa, train)]
    images = []
    for loop in loops:
        for _ in range(3):
            finish(loop.advance())
        images.append(loop.learned.x)
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])


def test_gradients_of_a_network_of_its_own_come_closer():
    train = split(counts=(40, 40, 40))

    def gap(x: np.ndarray) -> float:
        loop, total = loop_of(dc, train, width=16), 0.0
        network = loop._drawn(10_000)
        for label in range(3):
            wanted = gradient.gradients(network, loop.real.batch(label, 40, 0), label)
            own = torch.tensor(x[3 * label : 3 * label + 3])
            total += float(gradient.distance(gradient.gradients(network, own, label), wanted))
        return total

    first = learned(dc, train, steps=0)
    assert gap(learned(dc, train, steps=20, batch=40, width=16, outer=5).x) < 0.85 * gap(first.x)


@pytest.mark.parametrize("method", [dc, dsa])
def test_same_seed_same_bytes_other_seed_other_bytes(method):
    first = learned(method)
    assert learned(method).hash == first.hash != learned(method, seed=1).hash


@pytest.mark.parametrize("method", [dc, dsa])
def test_resuming_equals_never_having_stopped_also_within_a_round(monkeypatch, method):
    monkeypatch.setattr(learning, "CHECKPOINT_S", 0.0)
    events = []
    whole = learned(method, on_event=events.append)
    states = {int(event.state["step"]): event.state for event in events if event.state is not None}
    assert set(states) == set(range(1, SMALL["steps"]))
    for step in (1, 3, 4, 6, 8):
        again = learned(method, checkpoint=states[step])
        assert again.hash == whole.hash and again.info == whole.info
    with pytest.raises(ConfigError, match="resume with the settings"):
        learned(method, checkpoint=states[1], ipc=2)


@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 4, 5), (3, 16, 11), (1, 28, 28)])
@pytest.mark.parametrize("method", [dc, dsa])
def test_any_shape(method, shape: tuple):
    found = learned(method, split(shape=shape), steps=2)
    assert found.x.shape == (8, *shape) and found.x.min() >= 0 and found.x.max() <= 1
    assert not np.array_equal(found.x, learned(method, split(shape=shape), steps=0).x)


def test_no_instance_norm_sees_less_than_four_by_four():
    assert [blocks((1, side, side), 3) for side in (4, 5, 8, 9, 28, 32)] == [1, 2, 2, 3, 3, 3]
    assert blocks((3, 64, 8), 5) == 2 and blocks((3, 32, 32), 1) == 1
    for side in (4, 5, 8, 9, 28, 32):
        padded, depth = side, blocks((1, side, side), 5)
        padded += -side % 2**depth
        assert padded // 2 ** (depth - 1) >= 4


def test_the_published_preset_knows_the_published_loops():
    loops = {ipc: (c.outer, c.inner, c.steps) for ipc in (1, 10, 20, 50) for c in [dc.Config(preset="paper", ipc=ipc)]}
    assert loops == {1: (1, 1, 1000), 10: (10, 50, 10_000), 20: (20, 25, 20_000), 50: (50, 10, 50_000)}
    paper = dsa.Config(preset="paper")
    assert (paper.width, paper.batch, paper.lr_img, paper.lr_net, paper.momentum) == (128, 256, 0.1, 0.01, 0.5)
    assert dsa.Config(preset="paper", inner=3, outer=2).model_dump() | {"inner": 50, "outer": 10} == paper.model_dump()
    assert dc.Config(ipc=7, preset="paper").outer == 7 and dc.Config(**paper.model_dump(exclude={"augment"}))
    with pytest.raises(ConfigError, match="ipc"):
        dc.Config(preset="paper", ipc=0)


def test_closing_early_leaves_torch_as_it_was():
    before = torch.get_rng_state()
    work = dsa.condense(split(), dsa.Config(**SMALL), n_classes=4, seed=0, device="cpu")
    for _ in range(3):
        next(work)
    work.close()
    assert torch.equal(torch.get_rng_state(), before) and torch.is_grad_enabled()
