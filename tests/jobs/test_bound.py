"""Both sides of the bound as a job estimates them, against closed forms: two classes, a linear model, Linf.

There the worst image within a radius is known: every pixel moves by the radius, or to the end of [0, 1], down the sign
of the weights of its class. PGD reaches it, so estimates and closed forms agree.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.compressors import METHODS
from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, drive
from core.jobs import bound, loading
from core.settings.run import RunConfig
from core.types import Dataset, TestSplit, TrainSplit, drawn_part, stream

N, SEED = 40, 3
WEIGHT = torch.linspace(-1.0, 1.0, 9) + 0.05


def dataset():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 256, (N, 1, 3, 3), dtype=np.uint8), np.arange(N) % 2
    return Dataset(
        name="two", train=TrainSplit(x=x, y=y), test=TestSplit(x=255 - x, y=1 - y), classes=("a", "b"),
    )  # fmt: skip


def model():
    """Logits (0, w·x - b)."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 2)).eval()
    with torch.no_grad():
        network[1].weight.copy_(torch.stack([torch.zeros(9), WEIGHT]))
        network[1].bias.copy_(torch.tensor([0.0, -0.2]))
    return network


def worst(x, y, radius):
    """(n,) exact largest cross-entropy within `radius` of each image and [0, 1]."""
    flat, toward = torch.tensor(x).flatten(1).double(), torch.tensor(1 - 2 * y)[:, None]
    moved = (flat + torch.tensor(radius)[:, None] * toward * WEIGHT.double().sign()).clamp(0, 1)
    score = moved @ WEIGHT.double() - 0.2
    return torch.nn.functional.softplus(score * toward[:, 0]).numpy()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    def load(config, job):
        yield Progress(stage="load")
        return dataset()

    class Model:
        shape, n_classes = (1, 3, 3), 2

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(loading, "check_fit", lambda *arguments: None)
    monkeypatch.setattr(artifacts, "load_model", lambda path: Model)
    monkeypatch.setattr(bound, "restore", lambda found, device: model())
    return Job(folder=tmp_path / "run", home=tmp_path, device="cpu")


@pytest.fixture
def cover(tmp_path: Path):
    method = METHODS["k-center"]
    work = method.condense(
        dataset().train, method.Config(ipc=4, norm="Linf"), n_classes=2, seed=0, device="cpu"
    )  # fmt: skip
    made = drive(work)
    artifacts.save_condensed(tmp_path / "cover.npz", made)
    return made


def estimate(job, **chosen):
    values = {
        "settings": RunConfig(method="k-center", seed=SEED).to_json(), "run": "r", "model": "m",
        "cover": str(job.home / "cover.npz"), "bound": {"steps": 20, **chosen},
    }  # fmt: skip
    return drive(bound.estimate(values, job))


@pytest.mark.parametrize("eps", [0.0, 0.05, 0.2])
def test_both_sides_are_the_closed_forms_on_the_whole_train_split(job, cover, eps):
    found, train = estimate(job, eps=eps, images=1000), dataset().train
    left = worst(train.pixels(), train.y, np.full(N, eps)).mean()
    losses = worst(cover.x, cover.y, eps + cover.ball_radius)
    assert found["left"] == pytest.approx(left, rel=1e-5)
    assert found["right"] == pytest.approx(losses @ cover.weights / N, rel=1e-5)
    assert found["holds"] and found["images"] == N and found["centres"] == len(cover) and found["eps"] == eps


def test_the_sides_count_every_image_once_in_batches_too(job, cover, monkeypatch):
    whole = estimate(job, eps=0.1, images=1000)
    monkeypatch.setattr(bound, "BATCH", 7)
    parts = estimate(job, eps=0.1, images=1000)
    assert (parts["left"], parts["right"]) == pytest.approx((whole["left"], whole["right"]), rel=1e-5)


def test_on_a_part_both_sides_are_about_the_same_images(job, cover):
    """Centres that own none of them are left out, and the others count the images of the part alone."""
    found, train = estimate(job, eps=0.1, images=7), dataset().train
    rows = drawn_part(train.y, 7, stream(SEED, "bound"))
    weights = np.bincount(cover.assignment[rows], minlength=len(cover))
    left = worst(train.pixels(rows), train.y[rows], np.full(7, 0.1)).mean()
    losses = worst(cover.x, cover.y, 0.1 + cover.ball_radius)
    assert found["left"] == pytest.approx(left, rel=1e-5)
    assert found["right"] == pytest.approx(losses @ weights / 7, rel=1e-5)
    assert found["centres"] == (weights > 0).sum() < len(cover)
    assert abs(losses @ cover.weights / N - found["right"]) > 1e-3  # the whole set's weights would give another number
