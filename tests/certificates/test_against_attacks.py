"""Every certificate against every attack of the project: no image that is proven at eps falls at eps."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from core.attacks import autoattack, carlini_wagner, certified, deepfool, fgsm, pgd
from core.attacks.projections import NORMS, lengths
from core.certificates.classifier import NearestCentre
from core.certificates.nearest import Centres, prove
from core.certificates.smoothing import Smoothing, certify
from core.events import drive, finish
from core.networks.model import build
from core.training import TRAINERS
from core.types import CondensedSet

EPS = {"Linf": 0.06, "L2": 0.35, "L1": 1.2}


def digits(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    keep = y < n_classes
    return (x[keep] / 16).astype(np.float32).reshape(-1, 1, 8, 8), y[keep].astype(np.int64)


def attacks(model, x, y, norm, eps, n_classes):
    """What every attack makes of the images, those of minimal norm too where they are short enough."""
    source = torch.Generator().manual_seed(0)
    yield fgsm(model, x, y, norm=norm, eps=eps)
    for loss in ("ce", "margin"):
        yield pgd(model, x, y, norm=norm, eps=eps, steps=20, restarts=2, loss=loss, generator=source)
    yield autoattack(model, x, y, norm=norm, eps=eps, n_classes=n_classes, seed=0, preset="quick").adversarial
    minimal = [deepfool(model, x, y, norm=norm, steps=20)]
    if norm == "L2":
        minimal.append(carlini_wagner(model, x, y, steps=20, searches=3))
    for found in minimal:
        yield torch.where((found.length <= eps).view(-1, 1, 1, 1), found.adversarial, x)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_what_the_nearest_neighbour_proves(norm, n_classes):
    x, y = digits(n_classes)
    centres = Centres.of(x[: 6 * n_classes], y[: 6 * n_classes])
    images, labels = x[-40:], y[-40:]
    proven = finish(prove(images, labels, centres, norm)).radius > EPS[norm]
    model = NearestCentre(centres, n_classes)
    clean, right = torch.from_numpy(images), torch.from_numpy(labels)
    fallen = 0
    for moved in attacks(model, clean, right, norm, EPS[norm], n_classes):
        assert float(lengths(moved - clean, norm).max()) <= EPS[norm] * (1 + 1e-5)
        again = finish(prove(moved.numpy(), labels, centres, norm)).right  # judged in float64
        assert again[proven].all()
        fallen += int((~again).sum())
    assert 0 < proven.sum() < 40 and fallen > 0


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_what_interval_bounds_prove_of_a_network_trained_for_them(n_classes):
    x, y = digits(n_classes)
    chosen = CondensedSet(x=x[:150], y=y[:150], n_classes=n_classes, method="random")
    network = build("mlp", {"width": 24, "depth": 1}, (1, 8, 8), n_classes, (0.3,), (0.37,), seed=0)
    config = TRAINERS["ibp"].Config(epochs=40, eps=0.06, lr=0.005, batch=50)
    drive(TRAINERS["ibp"].train(chosen, network, config, validation=None, seed=0, device="cpu"))
    clean, right = torch.from_numpy(x[-100:]), torch.from_numpy(y[-100:])
    proven = certified(network, clean, right, eps=0.06)
    fallen = 0
    for moved in attacks(network, clean, right, "Linf", 0.06, n_classes):
        standing = network(moved).argmax(1) == right
        assert bool(standing[proven].all())
        fallen += int((~standing).sum())
    assert int(proven.sum()) >= 25 and fallen > 0


def test_what_noise_certifies_is_kept_by_the_smoothed_classifier_under_attacks_on_the_network():
    x, y = digits(3)
    chosen = CondensedSet(x=x[:150], y=y[:150], n_classes=3, method="random")
    network = build("mlp", {"width": 24, "depth": 1}, (1, 8, 8), 3, (0.3,), (0.37,), seed=0)
    config = TRAINERS["smoothing"].Config(epochs=20, sigma=0.25)
    drive(TRAINERS["smoothing"].train(chosen, network, config, validation=None, seed=0, device="cpu"))
    network.eval()
    clean, right, how = torch.from_numpy(x[-15:]), torch.from_numpy(y[-15:]), Smoothing(n0=50, n=300)
    found = [finish(certify(network, image, how, seed)) for seed, image in enumerate(clean)]
    eps = 0.3
    proven = [label == wanted and radius > eps for (label, radius), wanted in zip(found, y[-15:], strict=True)]
    assert sum(proven) >= 8
    moved = pgd(network, clean, right, norm="L2", eps=eps, steps=20, loss="margin",
                generator=torch.Generator().manual_seed(0))  # fmt: skip
    for image, wanted, sure, seed in zip(moved, y[-15:], proven, range(100, 115), strict=True):
        if sure:
            assert finish(certify(network, image, how, seed))[0] == wanted
