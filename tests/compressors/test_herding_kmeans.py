"""Herding and k-means: their definitions by brute force, conditions of an optimum, few and equal images."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from core.compressors.backbone import drawn
from core.compressors.prototypes import k_means
from core.compressors.selection import herding
from core.errors import ConfigError
from core.events import Progress, drive, finish
from core.networks.statistics import channel_statistics
from core.types import TrainSplit, stream


def points(n: int, d: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, d))


def split(counts=(9, 5, 1), shape=(1, 6, 7), seed: int = 0) -> TrainSplit:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (sum(counts), *shape)).astype(np.uint8)
    return TrainSplit(x=x, y=np.repeat(np.arange(len(counts)), counts).astype(np.int64))


def condensed(method, train: TrainSplit, on_event=lambda event: None, n_classes: int = 3, seed: int = 0, **options):
    work = method.condense(train, method.Config(**options), n_classes=n_classes, seed=seed, device="cpu")
    return drive(work, on_event)


@pytest.mark.parametrize("seed", range(5))
def test_herding_is_its_definition_by_brute_force_on_12_points(seed: int):
    x = points(12, seed=seed)
    taken: list[int] = []
    for _ in range(12):
        gaps = {i: np.linalg.norm(x[[*taken, i]].mean(0) - x.mean(0)) for i in range(12) if i not in taken}
        taken.append(min(gaps, key=gaps.get))
    assert finish(herding.herd(x, 12)).tolist() == taken


def test_the_mean_of_all_is_met_and_fewer_images_are_the_first_of_more():
    x = points(40, 8)
    order = finish(herding.herd(x, 60))
    assert sorted(order) == list(range(40))
    assert np.array_equal(finish(herding.herd(x, 7)), order[:7])

    def gap(rows):
        return np.linalg.norm(x[rows].mean(0) - x.mean(0))

    chance = np.median([gap(np.random.default_rng(s).permutation(40)[:10]) for s in range(50)])
    assert gap(order[:10]) < 0.5 * chance


@pytest.mark.parametrize("features", ["pixels", "network"])
def test_herding_gives_train_images_by_class_and_all_of_a_small_one(features: str):
    train, events = split(), []
    found = condensed(herding, train, events.append, ipc=5, features=features, width=4)
    assert found.y.tolist() == [0] * 5 + [1] * 5 + [2] and len(set(found.indices)) == 11
    assert np.array_equal(found.x, train.pixels(found.indices))
    means = [np.linalg.norm(train.pixels(np.flatnonzero(train.y == c)).mean(0) - found.x[found.y == c].mean(0))
             for c in range(3)]  # fmt: skip
    if features == "pixels":
        assert found.info.mean_distance == pytest.approx(max(means), rel=1e-5)
    assert means[1] == pytest.approx(0, abs=1e-6) and events[-1].done == events[-1].total == 3


def test_herding_in_pixels_needs_no_seed_and_a_network_does():
    train = split(counts=(60, 60, 60))
    chosen = [condensed(herding, train, seed=s, ipc=6, width=4, features=f).indices.tolist()
              for f in ("pixels", "network") for s in (0, 1)]  # fmt: skip
    assert chosen[0] == chosen[1] != chosen[2] != chosen[3]


def test_herding_in_features_matches_means_of_features():
    train = split(counts=(60, 60, 60))
    found = condensed(herding, train, ipc=6, width=4, features="network")
    network = drawn(
        train.shape, 3, channel_statistics(train), width=4, depth=3, seed=stream(0, "herding"), device="cpu"
    )
    with torch.no_grad():
        features = network.features(torch.tensor(train.pixels())).double().numpy()
    for label in range(3):
        rows = np.flatnonzero(train.y == label)
        assert found.indices[found.y == label].tolist() == rows[finish(herding.herd(features[rows], 6))].tolist()


def exact(ipc: int) -> k_means.Config:
    return k_means.Config(ipc=ipc, tolerance=0.0, steps=500)


def inertia(x: np.ndarray, owner) -> float:
    owner = np.asarray(owner)
    return sum(((x[owner == c] - x[owner == c].mean(0)) ** 2).sum() for c in set(owner.tolist()))


@pytest.mark.parametrize("seed", range(4))
def test_k_means_reaches_the_best_of_all_partitions_of_7_points(seed: int):
    x = points(7, 2, seed)
    best = min(inertia(x, owner) for owner in product(range(3), repeat=7))
    found = min(list(k_means.lloyd(x, exact(3), start))[-1].inertia for start in range(10))
    assert found == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("count", [1, 4, 20])
def test_every_centroid_is_the_mean_of_the_points_nearest_to_it_and_inertia_falls(count: int):
    x = points(200, 5)
    rounds = [part for part in k_means.lloyd(x, exact(count), 3) if part]
    end, falling = rounds[-1], [part.inertia for part in rounds]
    owner = ((x[:, None] - end.centres[None]) ** 2).sum(2).argmin(1)
    means = np.stack([x[owner == c].mean(0) for c in range(count)])
    np.testing.assert_allclose(end.centres, means, atol=1e-12)
    assert end.inertia == pytest.approx(inertia(x, owner)) and end.sizes.tolist() == np.bincount(owner).tolist()
    assert all(after <= before + 1e-9 for before, after in pairwise(falling))


def test_equal_points_give_as_many_centroids_as_differ_and_no_empty_one():
    x = np.repeat(points(3), [5, 1, 2], axis=0)
    for count in (3, 4, 8, 50):
        end = list(k_means.lloyd(x, exact(count), 0))[-1]
        assert sorted(end.sizes) == [1, 2, 5] and end.inertia == pytest.approx(0, abs=1e-20)


def test_k_means_as_a_method_weighs_and_keeps_the_best_start():
    train, events = split(counts=(30, 8, 1)), []
    found = condensed(k_means, train, events.append, ipc=4, restarts=5)
    assert np.bincount(found.y).tolist() == [4, 4, 1] and found.indices is None
    assert [found.weights[found.y == c].sum() for c in range(3)] == [30, 8, 1]
    assert np.array_equal(found.x[-1], train.pixels(np.array([38]))[0])
    per_start = [condensed(k_means, train, ipc=4, restarts=n).info.inertia for n in (1, 3, 5)]
    assert per_start == sorted(per_start, reverse=True) and found.info.inertia == per_start[-1]
    assert np.array_equal(events[-1].x, found.x) and events[-1].done == 3


def test_of_any_number_of_starts_the_best_counts():
    """Each start alone has its inertia; the method's is the smallest among the first so many."""
    train = split(counts=(40,))
    points, config = train.pixels().reshape(len(train), -1), k_means.Config(ipc=6)
    alone = [list(k_means.lloyd(points, config, stream(1, "k-means", 0, start)))[-1].inertia for start in range(6)]
    found = [condensed(k_means, train, seed=1, n_classes=1, ipc=6, restarts=n).info.inertia for n in range(1, 7)]
    assert found == [min(alone[:n]) for n in range(1, 7)]
    assert alone != found  # the last start is not always the best


def test_more_centroids_than_images_are_the_images():
    train = split(counts=(5, 2))
    found = condensed(k_means, train, ipc=9, n_classes=2)
    assert {x.tobytes() for x in found.x} == {x.tobytes() for x in train.pixels()} and found.info.inertia < 1e-12


@pytest.mark.parametrize("method", [herding, k_means])
def test_points_classes_without_images_and_floats(method):
    train = TrainSplit(x=points(30, 2).astype(np.float32).reshape(-1, 1, 1, 2), y=np.repeat([0, 3], 15), levels=0)
    options = {"features": "network"} if method is herding else {}
    events: list[Progress] = []
    found = condensed(method, train, events.append, n_classes=5, ipc=3, **options)
    assert found.y.tolist() == [0] * 3 + [3] * 3 and found.n_classes == 5 and found.x.shape == (6, 1, 1, 2)
    assert all(0 <= event.done <= event.total == 5 for event in events)


def test_the_settings_refuse_what_is_not_there():
    with pytest.raises(ConfigError, match="features"):
        herding.Config(features="colours")


def test_first_centres_differ_and_far_points_are_likelier():
    x = np.repeat([[0.0], [1.0], [10.0]], [50, 50, 1], axis=0)
    drawn = [finish(k_means._spread(x, count, np.random.default_rng(s))) for s in range(40) for count in (2, 9)]
    assert all(len(np.unique(part)) == len(part) == min(3, size) for part, size in zip(drawn, [2, 9] * 40, strict=True))
    assert np.mean([10.0 in part for part in drawn[::2]]) > 0.4, "by chance alone, about 1 in 50"
