"""What is learned from is a train split and what is judged on a test split, refused by type at every door."""

import numpy as np
import pytest

from core.compressors import METHODS
from core.covering.assemble import as_condensed
from core.covering.certificate import certify
from core.covering.distances import Metric
from core.covering.separation import nearest_enemies
from core.evaluation.evaluate import snapshot
from core.evaluation.options import AttackConfig, AuditConfig, EvaluationConfig
from core.evaluation.sample import choose, choose_each
from core.events import finish
from core.jobs import held_out
from core.kernels import mean_image
from core.maps import members, umap
from core.maps.separation import enemies
from core.networks.statistics import channel_statistics
from core.settings.run import RunConfig
from core.training import TRAINERS
from core.training.judge import Judge
from core.training.options import Standard
from core.types import CondensedSet, Dataset, Named, OnTrain, Split, TestSplit, TrainSplit, only_test, only_train

N = 12
X, Y = np.random.default_rng(0).integers(0, 256, (N, 1, 4, 4), dtype=np.uint8), np.arange(N) % 2
TRAIN, TEST, NEITHER = (kind(x=X.copy(), y=Y.copy()) for kind in (TrainSplit, TestSplit, Split))
TAKEN = {"n_classes": 2, "seed": 0, "device": "cpu"}


def some():
    """Two train images that claim to be a cover."""
    return as_condensed(TRAIN, np.array([0, 1]), Metric("L2", 255), n_classes=2, method="mfc", info={})


def model(x):
    raise AssertionError("the model was asked before the split was looked at")


LEARNING = {
    "statistics": channel_statistics,
    "mean image": mean_image,
    "cover": lambda split: as_condensed(split, np.array([0, 1]), Metric("L2", 255), n_classes=2, method="m", info={}),
    "certificate": lambda split: certify(split, some()),
    "separation": lambda split: finish(nearest_enemies(split, Metric("L2", 255))),
    "enemies": lambda split: finish(enemies(split, "L2")),
    "map": lambda split: finish(umap.embed(split)),
    "place": lambda split: umap.place(finish(umap.embed(TRAIN)), split, np.array([0])),
    "members": lambda split: finish(members.belong(split, some(), "L2")),
    "judge of best": lambda split: Judge.make(split, Standard(), False, 0, "cpu"),
    "held out before": lambda split: held_out.before(RunConfig(method="k-means"), split),
    "held out after": lambda split: held_out.after(some(), split, np.array([3]), "best", 0),
    "train part of a data set": lambda split: Dataset(name="n", train=split, test=TEST, classes=("a", "b")),
}
JUDGING = {
    "choice": lambda split: choose(split, 3, 0),
    "choice by class": lambda split: choose_each(split, 3, 0),
    "look between epochs": lambda split: finish(snapshot(model, split, EvaluationConfig(), seed=0, device="cpu")),
    "test part of a data set": lambda split: Dataset(name="n", train=TRAIN, test=split, classes=("a", "b")),
}


@pytest.mark.parametrize("split", [TEST, NEITHER], ids=["test", "neither"])
@pytest.mark.parametrize("door", LEARNING.values(), ids=LEARNING)
def test_whatever_learns_refuses_all_but_train_images(door, split):
    with pytest.raises(TypeError, match=f"only a TrainSplit may be learned from, got a {type(split).__name__}"):
        door(split)


@pytest.mark.parametrize("split", [TRAIN, NEITHER], ids=["train", "neither"])
@pytest.mark.parametrize("door", JUDGING.values(), ids=JUDGING)
def test_whatever_judges_refuses_all_but_test_images(door, split):
    with pytest.raises(TypeError, match=f"only a TestSplit may be judged on, got a {type(split).__name__}"):
        door(split)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_refuses_test_images_before_it_begins(method):
    with pytest.raises(TypeError, match="got a TestSplit: pass dataset.train"):
        method.condense(TEST, method.Config(), **TAKEN)


@pytest.mark.parametrize("job", ["evaluate", "audit", "playback", "climb"])
def test_every_judgement_refuses_train_images(job):
    from core.evaluation.audit import audit
    from core.evaluation.evaluate import evaluate
    from core.evaluation.ladder import climb
    from core.evaluation.playback import playback

    work = {
        "evaluate": lambda: evaluate(model, TRAIN, EvaluationConfig(), **TAKEN),
        "audit": lambda: audit(model, TRAIN, AuditConfig(), **TAKEN),
        "playback": lambda: playback(model, TRAIN, AttackConfig(rows=(0,)), **TAKEN),
        "climb": lambda: climb(model, TRAIN, norm="L2", eps=0.1, images=4, seed=0, device="cpu"),
    }[job]
    with pytest.raises(TypeError, match="got a TrainSplit"):
        finish(work())


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_no_trainer_judges_best_on_test_images(trainer):
    from core.networks.model import build

    network = build("mlp", {"width": 4, "depth": 1}, (1, 4, 4), 2, [0.5], [0.3], seed=0)
    condensed = CondensedSet(x=TRAIN.pixels(), y=Y, n_classes=2, method="random")
    config = trainer.Config(epochs=1, keep="best")
    with pytest.raises(TypeError, match="got a TestSplit"):
        finish(trainer.train(condensed, network, config, validation=TEST, seed=0, device="cpu"))


def test_a_part_of_a_split_is_of_its_kind_and_the_right_kinds_pass():
    assert type(TEST.take(np.array([1]))) is TestSplit and type(TRAIN.take(np.array([1]))) is TrainSplit
    only_train(TRAIN.take(np.array([0, 2])))
    only_test(TEST.take(np.array([0, 2])))
    work = OnTrain("core.networks.statistics:channel_statistics")
    assert isinstance(work, Named) and work(TRAIN) == channel_statistics(TRAIN)
