"""One step of every trainer, and two where memory counts, against the slow obvious one, written out from the papers.

The obvious one attacks image by image, knows only images, labels and weights, and moves the weights by plain gradient
descent. Both draw from the same streams; what is drawn and in which order is a part of what is tested.
"""

import copy
import math

import numpy as np
import pytest
import torch

from core.events import drive
from core.networks.model import build
from core.training import TRAINERS
from core.types import CondensedSet, TrainSplit, stream

SHAPE, N, C, LR, EPS = (1, 3, 3), 6, 3, 0.5, 0.1
SEED = 4
PLAIN = {"batch": 64, "optimizer": "sgd", "lr": LR, "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}


def cover(**changes):
    rng = np.random.default_rng(1)
    values = {
        "x": rng.uniform(0.0, 1.0, (N, *SHAPE)).astype(np.float32), "y": np.arange(N, dtype=np.int64) % C,
        "weights": np.array([1, 5, 2, 3, 7, 4], np.int64), "ball_radius": np.linspace(0.0, 0.2, N), "norm": "Linf",
        "radius": 0.2,
    }  # fmt: skip
    return CondensedSet(n_classes=C, method="mfc", **{**values, **changes})


def network():
    return build("mlp", {"width": 8, "depth": 1}, SHAPE, C, [0.4], [0.3], seed=2)


def trained(name, epochs=1, data=None, **changes):
    """The network after `epochs` steps of the trainer, each on all images at once."""
    Config, net = TRAINERS[name].Config, network()
    attack = {"eps": EPS, "warmup": 0.0} if "eps" in Config.model_fields else {}
    config = Config(**{"epochs": epochs, **PLAIN, **attack, **changes})
    drive(TRAINERS[name].train(data or cover(), net, config, validation=None, seed=SEED, device="cpu"))
    return net


def compare(net, expected):
    before, mine, theirs = ([p.detach() for p in one.parameters()] for one in (network(), net, expected))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert max(float((a - b).abs().max()) for a, b in zip(mine, before, strict=True)) > 0.01


def draws(epoch=0):
    """The order of the images, and the source of what attacks draw, as the loop names them."""
    order = torch.randperm(N, generator=torch.Generator().manual_seed(stream(SEED, "shuffle", epoch)))
    return order, torch.Generator().manual_seed(stream(SEED, "attack", epoch))


def cross_entropy(net, x, label):
    """Of one image (c, h, w), from the definition."""
    out = net(x[None])[0]
    return -(out[label] - out.exp().sum().log())


def divergence(p_net, x, q_net, moved):
    """KL(p(x) || p(x')) of one image, from the definition: sum p (log p - log q)."""
    p, q = (net(image[None])[0].softmax(0) for net, image in ((p_net, x), (q_net, moved)))
    return (p * (p.log() - q.log())).sum()


def ascend(value, x, start, radius, step_size, steps):
    """The last image of sign-gradient ascent from `start`, clipped to the ball of `radius` around x and to [0, 1]."""
    now = start.clone()
    for _ in range(steps):
        now = now.detach().requires_grad_()
        (grad,) = torch.autograd.grad(value(now), now)
        now = torch.minimum(torch.maximum(now + step_size * grad.sign(), x - radius), x + radius).clamp(0, 1)
    return now.detach()


def begin(x, radius, unit):
    """A point of the ball, from numbers in [0, 1)."""
    return torch.minimum(torch.maximum(x + radius * (2 * unit - 1), x - radius), x + radius).clamp(0, 1)


def descend(net, losses, weights, lr=LR):
    """One step of gradient descent on the weighted mean."""
    value = sum(w * one for w, one in zip(weights, losses, strict=True)) / sum(weights)
    gradients = torch.autograd.grad(value, list(net.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(net.parameters(), gradients, strict=True):
            parameter -= lr * gradient


def images(data, order):
    return [(torch.tensor(data.x[i]), int(data.y[i]), int(i)) for i in order.tolist()]


def radius_of(data, row, policy):
    share = {"eps": 0.0, "eps + radius": 1.0, "eps + fraction * radius": 0.25}[policy]
    return EPS + share * float(data.ball_radius[row])


@pytest.mark.parametrize("weighted", [False, True])
def test_standard_descends_the_weighted_mean_of_cross_entropies(weighted):
    data, net = cover(), network()
    descend(net, [cross_entropy(net, x, y) for x, y, _ in images(data, torch.arange(N))],
            data.weights.tolist() if weighted else [1] * N)  # fmt: skip
    compare(trained("standard", weighted=weighted), net)


@pytest.mark.parametrize("policy", ["eps", "eps + radius", "eps + fraction * radius"])
@pytest.mark.parametrize("step_size", [0.0, 0.03])
def test_adversarial_descends_the_loss_at_the_last_iterate_of_pgd_from_a_random_start(policy, step_size):
    data, net, steps = cover(), network(), 3
    order, source = draws()
    unit, losses, weights = torch.rand(N, *SHAPE, generator=source), [], []
    for place, (x, y, row) in enumerate(images(data, order)):
        radius = radius_of(data, row, policy)
        alpha = step_size * radius / EPS if step_size else 2.5 * radius / steps
        moved = ascend(
            lambda now, y=y: cross_entropy(net, now, y), x, begin(x, radius, unit[place]), radius, alpha, steps
        )
        losses.append(cross_entropy(net, moved, y))
        weights.append(int(data.weights[row]))
    descend(net, losses, weights)
    options = {"attack_steps": steps, "radius_policy": policy, "fraction": 0.25, "weighted": True}
    compare(trained("adversarial", step_size=step_size, **options), net)


def test_warm_up_attacks_with_a_radius_that_grows():
    data, net = cover(), network()
    for epoch in range(3):
        order, source = draws(epoch)
        radius = EPS * (epoch + 1) / 3
        unit, losses = torch.rand(N, *SHAPE, generator=source), []
        for place, (x, y, _) in enumerate(images(data, order)):
            start = begin(x, radius, unit[place])
            moved = ascend(lambda now, y=y: cross_entropy(net, now, y), x, start, radius, 2.5 * radius / 2, 2)
            losses.append(cross_entropy(net, moved, y))
        descend(net, losses, [1] * N)
    compare(trained("adversarial", epochs=3, attack_steps=2, warmup=1.0), net)


def test_fgsm_rs_takes_one_step_of_five_quarters_of_the_radius_from_a_random_start():
    data, net = cover(), network()
    order, source = draws()
    unit, losses = torch.rand(N, *SHAPE, generator=source), []
    for place, (x, y, _) in enumerate(images(data, order)):
        start = begin(x, EPS, unit[place])
        moved = ascend(lambda now, y=y: cross_entropy(net, now, y), x, start, EPS, 1.25 * EPS, 1)
        losses.append(cross_entropy(net, moved, y))
    descend(net, losses, [1] * N)
    compare(trained("fgsm-rs"), net)


@pytest.mark.parametrize("beta", [1.0, 6.0])
def test_trades_pulls_the_attacked_prediction_to_the_clean_one_and_not_the_other_way(beta):
    """Loss of x plus beta KL(p(x) || p(x')), x' found by ascending the same divergence with p(x) held."""
    data, net, steps = cover(), network(), 4
    order, source = draws()
    held, unit, losses = copy.deepcopy(net), torch.rand(N, *SHAPE, generator=source), []
    for place, (x, y, _) in enumerate(images(data, order)):
        start = begin(x, EPS, unit[place])
        moved = ascend(
            lambda now, x=x: divergence(held, x, net, now), x, start, EPS, 2.5 * EPS / steps, steps
        )  # fmt: skip
        losses.append(cross_entropy(net, x, y) + beta * divergence(net, x, net, moved))
    descend(net, losses, [1] * N, lr=0.1)
    compare(trained("trades", beta=beta, attack_steps=steps, lr=0.1), net)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_warm_start_goes_on_from_where_each_image_s_attack_ended(share):
    """Three visits: at first, and for the drawn share, from a random point; else from the last perturbation."""
    data, net, kept = cover(), network(), {}
    for epoch in range(3):
        order, source = draws(epoch)
        again = torch.rand(N, generator=source) < share
        unit, losses = torch.rand(N, *SHAPE, generator=source), []
        for place, (x, y, row) in enumerate(images(data, order)):
            start = begin(x, EPS, unit[place]) if again[place] or row not in kept else (x + kept[row]).clamp(0, 1)
            moved = ascend(lambda now, y=y: cross_entropy(net, now, y), x, start, EPS, EPS / 2, 1)
            kept[row] = moved - x
            losses.append(cross_entropy(net, moved, y))
        descend(net, losses, [1] * N)
    compare(trained("warm-start", epochs=3, attack_steps=1, restart_share=share), net)


def test_a_warm_start_shrinks_and_grows_with_the_radius_of_warm_up():
    data, net, kept = cover(), network(), {}
    for epoch in range(2):
        order, source = draws(epoch)
        radius = EPS * (epoch + 1) / 2
        torch.rand(N, generator=source)
        unit, losses = torch.rand(N, *SHAPE, generator=source), []
        for place, (x, y, row) in enumerate(images(data, order)):
            start = (x + kept[row] * radius).clamp(0, 1) if row in kept else begin(x, radius, unit[place])
            moved = ascend(lambda now, y=y: cross_entropy(net, now, y), x, start, radius, radius / 2, 2)
            kept[row] = (moved - x) / radius
            losses.append(cross_entropy(net, moved, y))
        descend(net, losses, [1] * N)
    compare(trained("warm-start", epochs=2, warmup=1.0, restart_share=0.0), net)


def gradient_of(net, data):
    value = sum(cross_entropy(net, x, y) for x, y, _ in images(data, torch.arange(N))) / N
    return torch.autograd.grad(value, list(net.parameters()))


def test_sgd_has_momentum_and_decays_every_weight():
    data, net, speed = cover(), network(), None
    for _ in range(3):
        gradients = [g + 0.01 * p.detach() for g, p in zip(gradient_of(net, data), net.parameters(), strict=True)]
        speed = gradients if speed is None else [0.9 * v + g for v, g in zip(speed, gradients, strict=True)]
        with torch.no_grad():
            for parameter, v in zip(net.parameters(), speed, strict=True):
                parameter -= 0.1 * v
    compare(trained("standard", epochs=3, lr=0.1, momentum=0.9, weight_decay=0.01), net)


def test_adam_is_adam():
    data, net = cover(), network()
    first, second = ([torch.zeros_like(p) for p in net.parameters()] for _ in range(2))
    for t in (1, 2, 3):
        gradients = [g + 0.01 * p.detach() for g, p in zip(gradient_of(net, data), net.parameters(), strict=True)]
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
        with torch.no_grad():
            for parameter, m, v in zip(net.parameters(), first, second, strict=True):
                parameter -= 0.05 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    compare(trained("standard", epochs=3, optimizer="adam", lr=0.05, weight_decay=0.01), net)


@pytest.mark.parametrize(("schedule", "shares"), [
    ("constant", [1.0, 1.0, 1.0, 1.0]), ("half", [1.0, 1.0, 0.1, 0.1]), ("step", [1.0, 1.0, 0.1, 0.01]),
    ("cosine", [(1 + math.cos(math.pi * e / 4)) / 2 for e in range(4)]),
])  # fmt: skip
def test_every_epoch_steps_at_the_rate_of_its_schedule(schedule, shares):
    data, net = cover(), network()
    for share in shares:
        descend(net, [cross_entropy(net, x, y) for x, y, _ in images(data, torch.arange(N))], [1] * N, lr=LR * share)
    compare(trained("standard", epochs=4, schedule=schedule), net)


def test_the_average_moves_towards_the_network_by_what_is_not_kept():
    """Of the old average min(decay, (1 + t) / (10 + t)) stays at step t: 1/10, 2/11, 3/12, 4/13, 5/14 and then 0.3."""
    data, events, net = cover(), [], network()
    config = TRAINERS["standard"].Config(**{"epochs": 4, **PLAIN, "average": 0.3})
    drive(TRAINERS["standard"].train(data, net, config, validation=None, seed=SEED, device="cpu"), events.append)
    walked, average = network(), network()
    for kept in (1 / 10, 2 / 11, 3 / 12, 0.3):
        descend(walked, [cross_entropy(walked, x, y) for x, y, _ in images(data, torch.arange(N))], [1] * N)
        with torch.no_grad():
            for old, new in zip(average.parameters(), walked.parameters(), strict=True):
                old.copy_(kept * old + (1 - kept) * new)
    compare(net, walked)
    compare(events[-1].model, average)
    far = [float((a - b).detach().abs().max()) for a, b in zip(average.parameters(), walked.parameters(), strict=True)]
    assert max(far) > 0.01


def test_best_of_an_attacked_training_is_judged_under_attack():
    """By PGD-10 at the full radius on the held-out images, from the stream of the judge."""
    data, events, net = cover(), [], network()
    held = TrainSplit(x=np.random.default_rng(5).uniform(0, 1, (40, *SHAPE)).astype(np.float32),
                      y=np.arange(40) % C, levels=0)  # fmt: skip
    config = TRAINERS["adversarial"].Config(**{"epochs": 1, **PLAIN, "eps": EPS, "keep": "best", "attack_steps": 2})
    drive(TRAINERS["adversarial"].train(data, net, config, validation=held, seed=SEED, device="cpu"), events.append)
    told = next(event.values["val_robust_acc"] for event in events if "val_robust_acc" in event.values)
    order = np.random.default_rng(stream(SEED, "validation")).permutation(40)
    unit = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(stream(SEED, "judge")))
    net.eval()
    stands = []
    for place, row in enumerate(order.tolist()):
        x, y = torch.tensor(held.x[row]), int(held.y[row])
        tried = [x, begin(x, EPS, unit[place])]
        for _ in range(10):
            tried.append(ascend(lambda now, y=y: cross_entropy(net, now, y), x, tried[-1], EPS, 2.5 * EPS / 10, 1))
        stands.append(all(int(net(image[None]).argmax()) == y for image in tried))
    right = (net(torch.tensor(held.x)).argmax(1).numpy() == held.y).mean()
    assert told == sum(stands) / 40 < right


def test_batches_take_a_step_each_of_nearly_equal_size():
    data, net = cover(), network()
    order, _ = draws()
    for part in (order[:2], order[2:4], order[4:]):
        descend(net, [cross_entropy(net, x, y) for x, y, _ in images(data, part)], [1] * 2)
    compare(trained("standard", batch=2), net)
    net = network()  # in batches of at most four, six images are three and three
    for part in (order[:3], order[3:]):
        descend(net, [cross_entropy(net, x, y) for x, y, _ in images(data, part)], [1] * 3)
    compare(trained("standard", batch=4), net)


def test_soft_labels_pull_to_every_class_by_its_share():
    soft = np.random.default_rng(0).dirichlet(np.ones(C), N).astype(np.float32)
    data, net = cover(soft_labels=soft), network()
    losses = [
        -sum(float(soft[i, c]) * net(x[None])[0].log_softmax(0)[c] for c in range(C))
        for x, _, i in images(data, torch.arange(N))
    ]
    descend(net, losses, [1] * N)
    compare(trained("standard", data=data), net)


@pytest.mark.parametrize("reach", [0.4, 2.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_cure_descends_the_loss_and_the_turn_of_its_gradient_on_the_way_up(reach, weighted):
    data, net = cover(), network()
    losses = []
    for x, y, _ in images(data, torch.arange(N)):
        here = x.clone().requires_grad_()
        value = cross_entropy(net, here, y)
        (slope,) = torch.autograd.grad(value, here, create_graph=True)
        ahead = (x + reach * slope.detach() / slope.detach().norm()).requires_grad_()
        (turned,) = torch.autograd.grad(cross_entropy(net, ahead, y), ahead, create_graph=True)
        losses.append(value + 3.0 * (turned - slope).norm())
    descend(net, losses, data.weights.tolist() if weighted else [1] * N, lr=0.05)
    compare(trained("cure", reach=reach, curvature=3.0, weighted=weighted, lr=0.05), net)


def test_cure_without_weight_is_standard_training():
    mine, theirs = trained("cure", epochs=2, curvature=0.0), trained("standard", epochs=2)
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-7)


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_ibp_descends_the_loss_of_the_worst_margins_of_the_box(share):
    """Box bounds written out pixel by pixel, and the margins as one linear map each."""
    data, net, losses = cover(), network(), []
    first, head = net.body[1], net.head
    for x, y, _ in images(data, torch.arange(N)):
        low, high = ((v - 0.4) / 0.3 for v in ((x - EPS).clamp_min(0).flatten(), (x + EPS).clamp_max(1).flatten()))
        up, down = first.weight.clamp_min(0), first.weight.clamp_max(0)
        top, bottom = ((up @ a + down @ b + first.bias).clamp_min(0) for a, b in ((high, low), (low, high)))
        gap = head.weight - head.weight[y]
        worst = gap.clamp_min(0) @ top + gap.clamp_max(0) @ bottom + head.bias - head.bias[y]
        losses.append((1 - share) * cross_entropy(net, x, y) + share * worst.exp().sum().log())
    descend(net, losses, [1] * N)
    compare(trained("ibp", share=share), net)


def test_smoothing_descends_the_loss_of_noisy_images():
    data, net = cover(), network()
    order, source = draws()
    noise = torch.randn(N, *SHAPE, generator=source)
    moved = [(x + 0.5 * noise[place], y) for place, (x, y, _) in enumerate(images(data, order))]
    descend(net, [cross_entropy(net, x, y) for x, y in moved], [1] * N)
    compare(trained("smoothing", sigma=0.5), net)
