"""Images that best weights are judged by were seen by nobody: not by the method, not by the training."""

import numpy as np
import pytest

from core import datasets
from core.compressors import METHODS
from core.engine.job import Job
from core.errors import ConfigError
from core.events import drive, finish
from core.jobs import held_out, run, stages
from core.settings.run import RunConfig
from core.types import CondensedSet, DataConfig

NONE = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def digits():
    return drive(datasets.load(DataConfig(), root=None))


def settings(method, keep="best"):
    return RunConfig(method=method, training={"name": "standard", "options": {"keep": keep}})


def test_a_coreset_leaves_them_over(digits):
    train, pick = digits.train, METHODS["random"]
    condensed = finish(pick.condense(train, pick.Config(ipc=10), n_classes=10, seed=0, device="cpu"))
    assert not len(held_out.before(settings("random"), train))
    same, held = held_out.after(condensed, train, NONE, "best", 0)
    assert same is condensed and len(held) == held_out.MOST
    assert np.bincount(held.y).min() >= 45
    chosen = {image.tobytes() for image in train.x[condensed.indices]}
    copies = sum(image.tobytes() in chosen for image in train.x) - len(condensed)
    assert sum(image.tobytes() in chosen for image in held.x) <= copies
    assert held_out.after(condensed, train, NONE, "last", 0) == (condensed, None)


def test_the_whole_train_split_gives_some_up(digits):
    train = digits.train
    whole = finish(METHODS["full"].condense(train, METHODS["full"].Config(), n_classes=10, seed=0, device="cpu"))
    smaller, held = held_out.after(whole, train, NONE, "best", 0)
    assert len(smaller) + len(held) == len(train) and len(held) == len(train) // held_out.SHARE


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.kind == "synthetic"])
def test_a_synthetic_method_never_sees_them(method, digits):
    held = held_out.before(settings(method), digits.train)
    assert len(held) == len(digits.train) // held_out.SHARE
    seen = held_out.seen(digits, held)
    assert len(seen.train) == len(digits.train) - len(held) and seen.test is digits.test
    rest = np.delete(np.arange(len(digits.train)), held)
    assert np.array_equal(seen.train.x, digits.train.x[rest])
    learned = CondensedSet(x=digits.train.pixels(rest[:10]), y=digits.train.y[rest[:10]], n_classes=10, method=method)
    _, judged = held_out.after(learned, digits.train, held, "best", 0)
    assert np.array_equal(judged.x, digits.train.x[held])
    assert not len(held_out.before(settings(method, keep="last"), digits.train))  # else it learns from all


def test_a_run_hands_the_method_what_is_left_and_the_training_what_was_held_out(tmp_path, monkeypatch):
    given = {}

    def condense(choice, dataset, seed, job, origin):
        given["learned from"] = len(dataset.train)
        raise ConfigError("enough")
        yield

    monkeypatch.setattr(stages, "condense", condense)
    chosen = settings({"name": "k-means", "options": {"ipc": 1}}).to_json()
    with pytest.raises(ConfigError, match="enough"):
        finish(run.run(chosen, Job(folder=tmp_path / "run", home=tmp_path, device="cpu")))
    assert given["learned from"] == 1438 - 143


def test_network_seeds_of_a_study_are_all_different_and_the_first_is_the_run_s_own():
    seeds = [seed for run_seed in range(3) for seed in run.network_seeds(run_seed, 5)]
    assert len(set(seeds)) == 15 and seeds[::5] == [0, 1, 2]
    assert run.network_seeds(7, 1) == [7] and run.network_seeds(1, 3) == run.network_seeds(1, 5)[:3]
