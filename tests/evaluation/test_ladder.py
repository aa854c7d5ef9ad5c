"""The ladder of attacks against each of its attacks alone."""

import numpy as np
import pytest
import torch

from core.attacks import fgsm, pgd
from core.evaluation import ladder, verdicts
from core.evaluation.sample import choose
from core.events import finish
from core.networks.model import build
from core.types import TestSplit, stream

EPS, N, SEED = 0.06, 120, 2
OPTIONS = {"norm": "Linf", "eps": EPS, "seed": SEED, "device": "cpu"}


@pytest.fixture(scope="module")
def model():
    return build("mlp", {"width": 16, "depth": 1}, (1, 4, 4), 3, [0.5], [0.2], seed=0).eval()


@pytest.fixture(scope="module")
def data(model):
    """Images of which a third have a wrong label."""
    x = np.random.default_rng(0).uniform(0.2, 0.8, (N, 1, 4, 4)).astype(np.float32)
    y = model(torch.tensor(x)).argmax(1).numpy().copy()
    y[::3] = (y[::3] + 1) % 3
    return TestSplit(x=x, y=y, levels=0)


def right(model, x, y):
    with torch.no_grad():
        return model(x).argmax(1) == y


def test_every_rung_is_what_its_attack_alone_would_say(model, data):
    found = finish(ladder.climb(model, data, images=60, **OPTIONS))
    rows = choose(data, 60, SEED)
    x, y = torch.tensor(data.pixels(rows)), torch.tensor(data.y[rows])
    clean = right(model, x, y)
    one = clean & right(model, fgsm(model, x, y, norm="Linf", eps=EPS), y)
    source = torch.Generator().manual_seed(stream(SEED, "evaluate", "ce", 0))  # of the first and only batch
    many = clean & right(model, pgd(model, x, y, norm="Linf", eps=EPS, steps=ladder.STEPS, generator=source), y)
    config = verdicts.Config(norm="Linf", eps=EPS, attack="strong", attack_steps=ladder.STEPS, images=60)
    both = finish(verdicts.strong(model, x, y, config, SEED)).accuracy.correct
    counts = [round(found[f"{name}_acc"] * 60) for name in ("clean", "fgsm", "pgd", "strong")]
    assert counts == [int(clean.sum()), int(one.sum()), int(many.sum()), both]
    assert counts == sorted(counts, reverse=True) and 60 > counts[0] > counts[1] >= counts[2] >= counts[3] > 0
    assert found["images"] == 60 and found["zero_gradient"] == 0
    low, high = found["pgd_interval"]
    assert low < found["pgd_acc"] < high


def test_an_image_wrong_without_an_attack_stands_on_no_rung(model, data):
    """Where every label is wrong every rung is 0, though an attack may make the label true by chance."""
    wrong = TestSplit(x=data.x, y=(model(torch.tensor(data.x)).argmax(1).numpy() + 1) % 3, levels=0)
    x, y = torch.tensor(wrong.x), torch.tensor(wrong.y)
    calm = build("mlp", {"width": 16, "depth": 1}, (1, 4, 4), 3, [0.5], [0.2], seed=0).eval()

    def backwards(images):
        """The same classes, with gradients that lead away from the images' wrong labels into the true ones."""
        out = calm(images)
        return out.detach() * 2 - out

    moved = fgsm(backwards, x, y, norm="Linf", eps=EPS)
    assert right(calm, moved, y).any()  # else the assertion below would mean nothing
    found = finish(ladder.climb(backwards, wrong, images=N, **OPTIONS))
    assert [found[f"{name}_acc"] for name in ("clean", "fgsm", "pgd", "strong")] == [0.0] * 4


def test_a_model_without_gradients_says_so(model, data):
    def flat(images):
        return model(images).detach() + 0 * images.flatten(1)[:, :3]

    assert finish(ladder.climb(flat, data, images=30, **OPTIONS))["zero_gradient"] == 1.0
