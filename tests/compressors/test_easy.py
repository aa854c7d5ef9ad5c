"""EasyCore: which images are kept, what they are ranked by, and that mistakes of labels are not easy."""

import numpy as np
import pytest
import torch
from torch import nn

from core import datasets
from core.compressors.selection import easy
from core.events import drive
from core.types import DataConfig, TrainSplit


@pytest.fixture(scope="module")
def digits() -> TrainSplit:
    train = drive(datasets.load(DataConfig(name="digits", limit=60), root=None)).train
    return train.take(np.flatnonzero(train.y < 4))


def found(train: TrainSplit, on_event=lambda event: None, **options):
    config = easy.Config(**{"ranking_epochs": 3, "batch": 32, **options})
    return drive(easy.condense(train, config, n_classes=4, seed=0, device="cpu"), on_event)


@pytest.mark.parametrize(
    ("rank", "expected"), [("lowest", [4, 2, 1, 6]), ("middle", [2, 0, 6, 5]), ("highest", [0, 3, 5, 7])]
)
def test_lowest_middle_and_highest_of_each_class(rank: str, expected: list[int]):
    score, y = np.array([5.0, 3.0, 2.0, 9.0, 1.0, 6.0, 4.0, 7.0]), np.array([0, 1, 0, 0, 0, 1, 1, 1])
    assert easy.choose(score, y, easy.Config(ipc=2, rank=rank)).tolist() == expected
    assert sorted(easy.choose(score, y, easy.Config(ipc=9, rank=rank))) == list(range(8))


def test_sensitivity_of_a_linear_model_is_its_closed_form():
    source = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
    x, y = torch.rand(9, 1, 2, 3, generator=source), torch.arange(9) % 3
    with torch.no_grad():
        share = model(x).softmax(1) - nn.functional.one_hot(y, 3)
        expected = (share @ model[1].weight).norm(dim=1)
    torch.testing.assert_close(easy.sensitivity(model, x, y), expected)


def test_images_with_wrong_labels_are_the_hardest(digits: TrainSplit):
    y = digits.y.copy()
    wrong = np.concatenate([np.flatnonzero(y == label)[:3] for label in range(4)])
    y[wrong] = (y[wrong] + 1) % 4
    train = TrainSplit(x=digits.x, y=y, levels=digits.levels)
    lowest, highest = (found(train, ipc=3, rank=rank) for rank in ("lowest", "highest"))
    assert not set(lowest.indices) & set(wrong) and len(set(highest.indices) & set(wrong)) >= 9
    assert lowest.info.gradient < highest.info.gradient


def test_pictures_come_with_every_epoch_and_the_last_is_the_result(digits: TrainSplit):
    events = []
    made = found(digits, events.append, ipc=2)
    pictures = [event for event in events if event.x is not None]
    assert len(pictures) == 3 and np.array_equal(pictures[-1].x, made.x)
    assert pictures[-1].done == pictures[-1].total == 2 * len(digits) * 3
    assert made.info.gradient == pictures[-1].values["gradient"]
