"""Covering jobs: a stopped solve leaves a certified cover, extras agree with brute force, bounds keep their sign."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.api import workplace
from core.covering.certificate import certify
from core.covering.distances import Metric, flat
from core.covering.rivals import needed, rivals
from core.engine import artifacts, writing
from core.engine.job import Job
from core.errors import BallastError
from core.events import Progress, Work, drive
from core.jobs import bound, cover, frontier, loading
from core.maps import umap
from core.settings.run import RunConfig
from core.types import CondensedSet, Dataset, TestSplit, TrainSplit
from tests.flat_map import flat_map

FEW = {"steps": 200, "rounds": 5, "nodes": 0}


def small(seed: int = 0, n: int = 36) -> Dataset:
    """Three classes of random 3×3 images of four grey steps: many equal distances."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, (n, 1, 3, 3), dtype=np.uint8)
    y = np.arange(n) % 3
    return Dataset(
        name="small", train=TrainSplit(x=x, y=y, levels=4), test=TestSplit(x=x[:6], y=y[:6], levels=4),
        classes=("a", "b", "c"),
    )  # fmt: skip


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    dataset = small()

    def load(config, job) -> Work[Dataset]:
        yield Progress(stage="load")
        return dataset

    monkeypatch.setattr(loading, "load", load)
    monkeypatch.setattr(umap, "embed", flat_map)
    return Job(folder=tmp_path / "run", home=tmp_path, device="cpu")


def config(**options) -> dict:
    return RunConfig(method={"name": "mfc", "options": {"norm": "L1", **FEW, **options}}).to_json()


def distances(train: TrainSplit) -> np.ndarray:
    """(n, n) L1 distances in pixels of [0, 1], the slow way."""
    x = train.x.reshape(len(train), -1).astype(int)
    return np.abs(x[:, None] - x[None]).sum(2) / train.levels


@pytest.mark.parametrize("options", [{"ipc": 3}, {"radius": 2.0}])
def test_a_cover_is_certified_and_its_overlap_and_rivals_are_those_of_brute_force(job: Job, options):
    found = drive(cover.cover(config(**options), job))
    train, made = small().train, artifacts.load_condensed(job.folder / "condensed.npz")
    assert found["valid"] and not found["stopped"] and certify(train, made).valid
    table = distances(train)
    inside = table[:, made.indices] <= made.ball_radius[None]
    same = train.y[:, None] == made.y[None]
    held = artifacts.load_arrays(job.folder / "overlap.npz")
    assert (held["own"] == (inside & same).sum(1)).all() and (held["own"] >= 1).all()
    assert (held["any"] == inside.sum(1)).all()
    assert sum(found["overlap"]) == len(train)
    enemy = np.where(train.y[:, None] != train.y[None], table, np.inf).min(1)
    assert found["separation"] == enemy.min()
    assert found["mixed_balls"] == int((enemy[made.indices] <= made.ball_radius).sum())
    stored = artifacts.load_json(job.folder / "rivals.json")
    for place_, label in enumerate(stored["labels"]):
        own = {name: rows[place_] for name, rows in stored["table"].items()}
        assert own["greedy"]["centres"] <= (train.y == label).sum()
        assert own["mfc"]["radius"] == found["radius_per_class"][label]


def test_closing_in_the_middle_leaves_a_certified_cover_that_says_so(job: Job):
    work = cover.cover(config(ipc=3), job)
    event = next(event for event in work if event.values.get("uncovered") == 0)
    work.close()
    train, made = small().train, artifacts.load_condensed(job.folder / "condensed.npz")
    told = artifacts.load_json(job.folder / "cover.json")
    assert told["stopped"] and told["valid"] and certify(train, made).valid
    assert artifacts.load_json(job.folder / "certificate.json")["valid"]
    assert told["radius"] == event.values["radius"] and told["lower_bound_radius"] <= told["radius"]


def test_uncovered_images_are_those_of_classes_without_a_cover(job: Job):
    counts = [e.values["uncovered"] for e in cover.cover(config(ipc=3), job) if "uncovered" in e.values]
    assert counts[:3] == [24.0, 12.0, 0.0] and set(counts[3:]) <= {0.0}


def test_before_every_class_has_a_cover_nothing_is_claimed(job: Job):
    work = cover.cover(config(ipc=3), job)
    next(event for event in work if event.values.get("classes_without_cover") == 2)
    work.close()
    assert not (job.folder / "cover.json").exists() and not (job.folder / "condensed.npz").exists()


def test_a_stop_that_was_asked_for_ends_the_solve_and_a_killed_one_is_finished_from_its_checkpoint(job: Job):
    asked: list[bool] = []
    job = replace(job, finish=lambda: bool(asked))

    def ask(event: Progress) -> None:
        if event.values.get("uncovered") == 0:
            asked.append(True)

    first = drive(cover.cover(config(ipc=3), job), ask)
    assert first["stopped"] and first["valid"]
    for name in ("cover.json", "condensed.npz", "map.npz"):
        (job.folder / name).unlink()
    again = drive(cover.cover(config(ipc=3), job))
    assert again["stopped"] and again["valid"] and again["radius"] == first["radius"]


def test_rivals_agree_with_a_slow_count_and_none_beats_the_optimum():
    train = small(1, 12).train
    rows, metric = flat(train.x, Metric("L1", 4)), Metric("L1", 4)
    table, k, radius = distances(train), 3, 2.0
    found = drive(_silent(rivals(rows, metric, k, metric.threshold(radius), 0, 10**9)))
    from itertools import combinations

    best = min(table[list(some)].min(0).max() for some in combinations(range(12), k))
    fewest = next(m for m in range(1, 13) if any((table[list(s)].min(0) <= radius).all()
                                                 for s in combinations(range(12), m)))  # fmt: skip
    for rival in found.values():
        assert rival.radius >= best and rival.centres >= fewest
    order = np.random.default_rng(0).permutation(12)
    assert found["random"].radius == table[order[:k]].min(0).max()
    assert (table[order[: found["random"].centres]].min(0) <= radius).all()
    assert not (table[order[: found["random"].centres - 1]].min(0) <= radius).all()
    assert drive(_silent(needed(rows, metric, metric.threshold(radius), 0, 10**9))) == fewest


def _silent(work) -> Iterator:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return stop.value
        yield Progress(stage="map")


@pytest.mark.parametrize("small_data", [True, False])
def test_a_frontier_falls_stays_above_its_bound_and_is_kept_for_all_runs(job: Job, monkeypatch, small_data):
    if not small_data:
        monkeypatch.setattr(frontier, "SMALL", 1)
    told = drive(frontier.frontier(config(ipc=3), job))
    kept = artifacts.load_arrays(job.cache / small().hash / "frontier-L1.npz")
    assert told["coarse"] is not small_data and bool(kept["coarse"]) is not small_data
    for label in range(3):
        own = kept["label"] == label
        assert (np.diff(kept["radius"][own]) <= 0).all() and (kept["lower"][own] <= kept["radius"][own]).all()
    ks = kept["k"][kept["label"] == 0].tolist()
    assert ks == list(range(1, len(ks) + 1)) if small_data else ks == [1, 2, 5, 10]


def test_a_frontier_is_that_of_every_train_image(job: Job):
    """One centre a class reaches the smallest largest distance; each image a centre reaches zero."""
    drive(frontier.frontier(config(ipc=3), job))
    kept, train = artifacts.load_arrays(job.cache / small().hash / "frontier-L1.npz"), small().train
    table = distances(train)
    for label in range(3):
        own, members = kept["label"] == label, np.flatnonzero(train.y == label)
        among = table[np.ix_(members, members)]
        assert kept["radius"][own][0] == among.max(1).min()
        assert kept["radius"][own][-1] == 0 and own.sum() == len(np.unique(train.x[members], axis=0))


def test_both_sides_of_the_bound_are_those_of_a_linear_model_with_exact_maxima(job: Job, monkeypatch):
    """Two classes and a linear model: the largest cross-entropy within eps is known in closed form."""
    import torch

    drive(cover.cover(config(ipc=3), job))
    dataset, made = small(), artifacts.load_condensed(job.folder / "condensed.npz")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(9, 3)).eval()
    with torch.no_grad():
        network[1].weight *= 0.05
    monkeypatch.setattr(bound, "restore", lambda model, device: network)
    monkeypatch.setattr(loading, "check_fit", lambda *arguments: None)

    class Model:
        shape, n_classes = dataset.train.shape, 3

    monkeypatch.setattr(artifacts, "load_model", lambda path: Model)
    values = {"settings": config(ipc=3), "run": "r", "model": "m", "cover": str(job.folder / "condensed.npz")}
    whole = drive(bound.estimate({**values, "bound": {"eps": 0.0, "images": 1000, "steps": 10}}, job))
    logits = network(torch.tensor(dataset.train.pixels()))
    clean = torch.nn.functional.cross_entropy(logits, torch.tensor(dataset.train.y)).item()
    assert whole["left"] == pytest.approx(clean, rel=1e-5)  # nothing can move at eps 0
    assert whole["holds"] and whole["right"] > whole["left"] and whole["estimate"]
    part = drive(bound.estimate({**values, "bound": {"eps": 0.2, "images": 9, "steps": 10}}, job))
    assert part["images"] == 9 and part["centres"] <= 9 and part["left"] <= part["right"]
    assert isinstance(made, CondensedSet)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(umap, "embed", flat_map)
    yield tmp_path
    workplace.close()


def test_the_gallery_names_the_farthest_member_and_the_histogram_counts_every_image(home: Path):
    record = api.here("covering", api.covering.settings({"name": "digits", "limit": 20}, "L2", ipc=2))
    assert record.status == "done", record.error
    balls = api.covering.gallery(record.id)
    assert [b["weight"] for b in balls] == sorted((b["weight"] for b in balls), reverse=True)
    assert sum(b["weight"] for b in balls) == 200 and all(b["distance"] == b["radius"] for b in balls)
    found = api.covering.histogram(record.id)
    assert sum(found["centre"]) == found["images"] == sum(found["enemy"]) == 200
    assert api.covering.find(record.config).id == record.id
    rows, source = api.covering.frontier(record.data_hash, "L2")
    assert source == "solved" and {row["k"] for row in rows} == {2} and len(rows) == 10
    traced = {name: np.array([0]) for name in ("label", "k", "radius", "lower", "proven", "coarse", "seed")}
    path = home / "cache" / record.data_hash / "frontier-L2.npz"
    for proofs, source in (({}, "solved"), ({"proofs": np.array(2)}, "whole")):  # the first could hold false proofs
        artifacts.save_arrays(path, traced | proofs)
        assert api.covering.frontier(record.data_hash, "L2")[1] == source


def test_a_radius_below_zero_is_refused_in_words():
    with pytest.raises(BallastError, match="radius"):
        api.covering.settings({"name": "digits"}, "L2", radius=-1.0)


def test_a_cancelled_solve_is_found_again_only_when_its_cover_was_to_be_kept(home: Path, monkeypatch):
    class Nobody:
        def submit(self, run_id: str) -> None: ...

        def cancel(self, run_id: str) -> None:
            workplace.store().request_cancel(run_id)

    monkeypatch.setattr("core.api.covering.executor", Nobody)
    monkeypatch.setattr("core.api.queue.executor", Nobody)
    monkeypatch.setattr("core.api.work.executor", Nobody)
    values = api.covering.settings({"name": "digits", "limit": 20}, "L2", ipc=2)
    run_id = api.covering.submit(values)
    api.cancel(run_id)
    assert api.covering.find(values) is None
    folder = home / "runs" / run_id
    folder.mkdir(parents=True)
    writing.save_json(folder / "cover.json", {"stopped": True})
    assert api.covering.find(values) is None  # given up for another slider position
    writing.save_json(folder / "cover.json", {"stopped": False})
    assert api.covering.find(values).id == run_id  # only what comes after the cover was left out
    (folder / "cover.json").unlink()
    api.covering.stop(run_id)
    artifacts.save_arrays(folder / "checkpoint-condense.npz", {"labels": np.arange(2)})
    assert api.covering.find(values).id == run_id
    assert api.covering.settle(run_id).status == "queued"  # its checkpoint is finished by another attempt
