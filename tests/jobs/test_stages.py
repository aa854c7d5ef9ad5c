"""What stages have in common: whose seconds are counted, and whose statistics normalise."""

import numpy as np
import pytest

from core.engine.job import Job, Ledger
from core.events import Progress, finish
from core.jobs import inputs, keeping, stages, width_stops
from core.jobs.options import WidthConfig
from core.settings.run import MethodChoice, NetworkChoice, TrainingChoice
from core.types import CondensedSet, Dataset, TestSplit, TrainSplit


def test_a_stage_costs_its_own_seconds_and_not_those_of_who_looks_at_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("core.jobs.keeping.time.monotonic", lambda: now[0])

    def training():
        for epoch in range(3):
            now[0] += 1.0
            yield Progress(stage="train", done=epoch)
        now[0] += 0.5
        return "network"

    ledger = Ledger(seconds={"train": 10.0})
    work, result = keeping.counted(training(), ledger, "train"), None
    try:
        while True:
            next(work)
            now[0] += 7.0  # a look at test images between two epochs
    except StopIteration as stop:
        result = stop.value
    assert result == "network" and ledger.seconds == {"train": 13.5}


def test_a_stage_that_is_stopped_has_cost_what_it_took(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("core.jobs.keeping.time.monotonic", lambda: now[0])

    def training():
        while True:
            now[0] += 1.0
            yield Progress(stage="train")

    ledger = Ledger()
    work = keeping.counted(training(), ledger, "train")
    next(work)
    next(work)
    now[0] += 5.0
    work.close()
    assert ledger.seconds == {"train": 2.0}


def bright_train_dark_set():
    """Train images between 0.5 and 1, test images near 0, and a condensed set between 0 and 0.25."""
    rng = np.random.default_rng(0)
    y = np.arange(24, dtype=np.int64) % 2
    train = TrainSplit(x=rng.uniform(0.5, 1.0, (24, 1, 8, 8)).astype(np.float32), y=y, levels=0)
    test = TestSplit(x=rng.uniform(0.0, 0.1, (24, 1, 8, 8)).astype(np.float32), y=y, levels=0)
    dark = rng.uniform(0.0, 0.25, (4, 1, 8, 8)).astype(np.float32)
    condensed = CondensedSet(x=dark, y=np.arange(4, dtype=np.int64) % 2, n_classes=2, method="dm")
    return Dataset(name="bright", train=train, test=test, classes=("a", "b")), condensed


def statistics(train):
    x = train.pixels().astype(np.float64)
    return x.mean(), x.std()


def test_a_network_normalises_by_the_train_split_and_not_by_the_condensed_set(tmp_path):
    dataset, condensed = bright_train_dark_set()
    job = Job(folder=tmp_path, home=tmp_path, device="cpu")
    training = TrainingChoice(name="standard", options={"epochs": 1})
    network = NetworkChoice(name="mlp", options={"width": 4, "depth": 1})
    models = finish(stages.train(training, network, condensed, dataset.train, 2, 0, job))
    mean, std = (float(models["last"].state[f"normalise.{name}"].item()) for name in ("mean", "std"))
    assert (mean, std) == pytest.approx(statistics(dataset.train), rel=1e-5)


def test_a_source_that_is_taught_normalises_by_the_train_split(tmp_path):
    dataset, _ = bright_train_dark_set()
    choice = MethodChoice(name="relabelled-det", options={"ipc": 1, "steps": 1, "source_epochs": 1})
    taken, _ = finish(inputs.resolve(choice, dataset, 0, Job(folder=tmp_path, home=tmp_path, device="cpu")))
    mean, std = (float(taken["source"].state[f"normalise.{name}"].item()) for name in ("mean", "std"))
    assert (mean, std) == pytest.approx(statistics(dataset.train), rel=1e-5)


def test_networks_beside_a_kernel_see_images_as_the_train_split_says():
    dataset, _ = bright_train_dark_set()
    chosen = WidthConfig()
    plain = width_stops.untrained(width_stops.Stop("mlp", {"width": 4}, "MLP"), chosen, dataset, 0, "cpu")
    assert (float(plain.normalise.mean), float(plain.normalise.std)) == pytest.approx(
        statistics(dataset.train), rel=1e-5
    )
    lazy = width_stops.untrained(
        width_stops.Stop(width_stops.LAZY, {"width": 4, "depth": 1}, "NTK"), chosen, dataset, 0, "cpu"
    )
    np.testing.assert_allclose(lazy.mean.squeeze(), dataset.train.pixels().mean(0).squeeze(), rtol=1e-5)
