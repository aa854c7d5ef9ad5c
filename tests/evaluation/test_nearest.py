"""The nearest-neighbour classifier as evaluations see it: its logits, no attack below its certificate, its report."""

import numpy as np
import pytest
import torch

from core import datasets
from core.attacks import autoattack, carlini_wagner, deepfool, fgsm, pgd
from core.attacks.projections import lengths
from core.certificates.classifier import NearestCentre
from core.certificates.nearest import Centres, prove
from core.errors import ConfigError
from core.evaluation import nearest
from core.evaluation.options import EvaluationConfig
from core.events import drive, finish
from core.types import CondensedSet, DataConfig, Dataset, TestSplit

EPS = {"Linf": 0.15, "L2": 0.7, "L1": 2.5}
every_norm = pytest.mark.parametrize("norm", EPS)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return drive(datasets.load(DataConfig(name="digits"), root=None))


def some(digits: Dataset, classes: int, ipc: int = 4) -> CondensedSet:
    """The first images of a few classes as a set."""
    train = digits.train
    rows = np.concatenate([np.flatnonzero(train.y == label)[:ipc] for label in range(classes)])
    return CondensedSet(x=train.pixels(rows), y=train.y[rows], n_classes=classes, method="random", indices=rows)


def of_classes(digits: Dataset, classes: int, images: int = 60) -> TestSplit:
    return digits.test.take(np.flatnonzero(digits.test.y < classes)[:images])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_logits_are_squared_distances_by_class_up_to_a_shift_and_keep_the_type_of_the_images():
    rng = np.random.default_rng(0)
    s, labels, x = rng.random((7, 1, 2, 3)), np.array([0, 2, 0, 2, 2, 3, 0]), torch.tensor(rng.random((20, 1, 2, 3)))
    model = NearestCentre(Centres.of(s, labels), 5)
    away = ((x.numpy()[:, None] - s) ** 2).reshape(20, 7, 6).sum(2)
    of_class = np.stack([away[:, labels == c].min(1) for c in (0, 2, 3)], 1)
    found = model(x)
    np.testing.assert_allclose(found[:, [0, 2, 3]].numpy(), of_class.min(1, keepdims=True) - of_class, atol=1e-12)
    assert (found.max(1).values == 0).all() and (found[:, [1, 4]] < -1e5).all() and found.dtype == torch.float64
    assert model(x.float()).dtype == torch.float32 and not list(model.parameters())
    x.requires_grad_()
    gap = model(x)[:, 0] - model(x)[:, 2]
    (slope,) = torch.autograd.grad(gap.sum(), x)
    near = [np.flatnonzero(labels == c)[away[:, labels == c].argmin(1)] for c in (0, 2)]
    np.testing.assert_allclose(slope.numpy(), 2 * (s[near[0]] - s[near[1]]), atol=1e-12)


@every_norm
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_no_attack_of_ours_breaks_an_image_within_its_certified_radius(digits: Dataset, norm: str, classes: int):
    condensed, test, eps = some(digits, classes), of_classes(digits, classes), EPS[norm]
    centres = Centres.of(condensed.x, condensed.y)
    model, x, y = NearestCentre(centres, classes), torch.tensor(test.pixels()), torch.tensor(test.y)
    proven = finish(prove(test.pixels(), test.y, centres, norm))
    options = {"norm": norm, "eps": eps}
    moved = {
        "FGSM": fgsm(model, x, y, **options),
        "PGD": pgd(model, x, y, **options, steps=20, restarts=2, generator=generator()),
        "margin": pgd(model, x, y, **options, steps=20, loss="margin", generator=generator()),
        "DeepFool": deepfool(model, x, y, norm=norm, steps=20).adversarial,
    }
    if norm == "L2":
        moved["C&W"] = carlini_wagner(model, x, y, steps=20).adversarial
    if norm != "L1":
        moved["AutoAttack"] = autoattack(model, x, y, **options, n_classes=classes, seed=0, preset="quick").adversarial
    broken = 0
    for name, images in moved.items():
        wrong = ~finish(prove(images.numpy(), test.y, centres, norm)).right
        length = lengths(images - x, norm).numpy()
        assert (length[wrong] >= proven.radius[wrong] * (1 - 1e-6)).all(), name
        broken += (wrong & proven.right).sum()
    assert broken > 5 and (proven.radius > eps).any()


@every_norm
def test_the_report_is_a_bracket_that_narrows_to_clean_accuracy_at_eps_0(digits: Dataset, norm: str):
    condensed = some(digits, 10)
    config = EvaluationConfig(norm=norm, eps=EPS[norm], images=200, curve_points=5, curve_images=200)
    events = []
    report = drive(nearest.judge(condensed, digits.test, config, seed=1), events.append)
    rows = nearest.choose(digits.test, 200, 1)
    x, y = digits.test.pixels(rows), digits.test.y[rows]
    away = ((x[:, None] - condensed.x) ** 2).reshape(200, len(condensed), -1).sum(2)
    assert report.clean.correct == (condensed.y[away.argmin(1)] == y).sum() and report.clean.images == 200
    proven = finish(prove(x, y, Centres.of(condensed.x, condensed.y), norm))
    assert report.certified.correct == (proven.radius > config.eps).sum()
    assert report.radii[0.5] == np.quantile(proven.radius, 0.5)
    assert 0 < report.certified.correct <= report.robust.correct < report.clean.correct
    assert report.robust.value - report.certified.value < 0.05
    lower, upper = ([pair[place].correct for pair in report.curve] for place in (0, 1))
    assert lower[0] == upper[0] == report.clean.correct
    assert all(a <= b for a, b in zip(lower, upper, strict=True))
    assert lower == sorted(lower, reverse=True) and upper == sorted(upper, reverse=True)
    assert report.robust.attack.norm == norm and report.robust.attack.eps == config.eps
    assert events and all(0 <= event.done <= event.total for event in events)


def test_pgd_adds_to_the_straight_lines_and_every_fall_is_real(digits: Dataset, monkeypatch):
    condensed, test = some(digits, 10, ipc=30), of_classes(digits, 10, 300)
    config, eps = EvaluationConfig(norm="L2", images=300), 1.3
    centres, _ = nearest.centres(condensed)
    proven = finish(prove(test.pixels(), test.y, centres, "L2"))
    work = nearest.standing_at(test.pixels(), test.y, proven, centres, 10, config, eps, 0)
    both = finish(work)
    monkeypatch.setattr(nearest, "towards_each", lambda x, y, *_: iter_return(x, np.zeros(len(x), bool)))
    alone = finish(nearest.standing_at(test.pixels(), test.y, proven, centres, 10, config, eps, 0))
    assert (proven.radius > eps).sum() <= both.sum() <= alone.sum() < proven.right.sum()


def iter_return(*values):
    yield 0
    return values


def test_learned_labels_count_as_their_largest_class_and_a_tie_is_refused(digits: Dataset):
    condensed = some(digits, 3, ipc=1)
    soft = np.array([[0.1, 0.7, 0.2], [0.2, 0.5, 0.3], [0.0, -1.0, 2.0]], np.float32)
    found = CondensedSet(x=condensed.x, y=condensed.y, n_classes=3, method="kip", soft_labels=soft)
    centres, notes = nearest.centres(found)
    assert centres.y.tolist() == [1, 1, 2] and "1 of 3" in notes[0]
    assert nearest.centres(condensed)[1] == ()
    tied = np.array([[0.5, 0.5, 0.0], [0, 1, 0], [0, 0, 1]], np.float32)
    with pytest.raises(ConfigError, match="image 0 are largest for two"):
        nearest.centres(CondensedSet(x=condensed.x, y=condensed.y, n_classes=3, method="kip", soft_labels=tied))
