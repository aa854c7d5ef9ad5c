"""random, k_center and mfc as condensation methods."""

import numpy as np
import pytest

from core.compressors.selection import k_center, mfc, random
from core.covering.certificate import certify
from core.errors import ConfigError, ResourceError
from core.types import TrainSplit


def digits():
    """The embedded digits, every third image."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = data.images.astype(np.uint8)[::3, None]
    return TrainSplit(x=x.copy(), y=data.target[::3].astype(np.int64), levels=16)


def toy(n=60):
    """Two noisy half circles as (n, 1, 1, 2) float32."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    angle = np.pi * rng.random(n) + np.pi * y
    xy = 0.5 + 0.3 * np.stack([np.cos(angle) + y * 0.5, np.sin(angle)], 1) + 0.02 * rng.normal(size=(n, 2))
    return TrainSplit(x=np.clip(xy, 0, 1).astype(np.float32).reshape(n, 1, 1, 2), y=y.astype(np.int64), levels=0)


def run(method, train, seed=0, n_classes=10, **settings):
    """All events and the result."""
    events = []
    work = method.condense(train, method.Config(**settings), n_classes=n_classes, seed=seed, device="cpu")
    while True:
        try:
            events.append(next(work))
        except StopIteration as stop:
            return events, stop.value


FEW = {"steps": 2_000}
CASES = [
    (random, {"ipc": 5}),
    (k_center, {"ipc": 5}),
    (k_center, {"ipc": 5, "norm": "Linf"}),
    (mfc, {"ipc": 5, **FEW}),
    (mfc, {"ipc": 4, "norm": "Linf", **FEW}),
    (mfc, {"radius": 1.6, **FEW}),
    (mfc, {"radius": 9.0, "norm": "L1", **FEW}),
]


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_images_and_labels_are_those_of_their_train_rows(method, settings):
    train = digits()
    events, condensed = run(method, train, **settings)
    np.testing.assert_array_equal(condensed.x, train.pixels(condensed.indices))
    np.testing.assert_array_equal(condensed.y, train.y[condensed.indices])
    assert len(np.unique(condensed.indices)) == len(condensed)
    if "ipc" in settings:
        assert (np.bincount(condensed.y) == settings["ipc"]).all()
    assert all(0 <= event.done <= event.total == 10 for event in events)
    assert all(np.isfinite(value) for event in events for value in event.values.values())
    last_images = [event for event in events if event.x is not None][-1]
    np.testing.assert_array_equal(np.sort(last_images.y), np.sort(condensed.y))


@pytest.mark.parametrize(("method", "settings"), CASES)
def test_same_seed_same_bytes(method, settings):
    train = digits()
    assert run(method, train, seed=5, **settings)[1].hash == run(method, train, seed=5, **settings)[1].hash


def test_random_depends_on_its_seed_and_is_uniform_over_images():
    train = digits()
    drawn = [run(random, train, seed=seed, ipc=30)[1].indices for seed in range(40)]
    assert not np.array_equal(drawn[0], drawn[1])
    times = np.bincount(np.concatenate(drawn), minlength=len(train))
    share = 30 / np.bincount(train.y)[train.y]
    spread = np.sqrt(40 * share * (1 - share))
    assert (np.abs(times - 40 * share) <= 5 * spread).all()


@pytest.mark.parametrize("method", [k_center, mfc])
def test_covers_are_certified_on_digits_and_toys(method):
    for train, classes in ((digits(), 10), (toy(), 2)):
        settings = {"ipc": 3} if method is k_center else {"ipc": 3, **FEW}
        condensed = run(method, train, n_classes=classes, **settings)[1]
        assert certify(train, condensed).violations == ()
        assert condensed.weights.sum() == len(train)
        assert condensed.info.k_per_class == (3,) * classes


def test_mfc_is_never_worse_than_k_center_and_within_its_bound():
    train = digits()
    for norm in ("L2", "Linf", "L1"):
        greedy = run(k_center, train, ipc=6, norm=norm)[1].info.radius_per_class
        condensed = run(mfc, train, ipc=6, norm=norm, **FEW)[1]
        for ours, far, lower in zip(
            condensed.info.radius_per_class, greedy, condensed.info.lower_bound_per_class, strict=True
        ):
            assert lower <= ours <= far <= 2 * ours + 1e-12


def test_mfc_says_what_it_proved():
    info = run(mfc, digits(), ipc=4)[1].info
    assert info.proven is True
    assert info.gap == 0.0
    assert info.optimal == "proven optimal"
    assert info.lower_bound_radius == max(info.radius_per_class)
    loose = run(mfc, digits(), radius=1.2, rounds=0, steps=200)[1].info
    assert loose.proven is False
    assert loose.optimal.endswith("not proven optimal")
    assert loose.lower_bound_k == 10
    assert mfc._optimal(False, 0.0).startswith("largest radius proven optimal")  # though not that of every class


def test_mfc_calls_proven_only_what_every_class_has_proved():
    """One class of a single image is proven at once, the others are not within so little effort."""
    every = digits()
    train = every.take(np.concatenate([np.flatnonzero(every.y == 0)[:1], np.flatnonzero(every.y > 0)]))
    info = run(mfc, train, radius=1.2, rounds=0, steps=200)[1].info
    assert info.proven_per_class[0] is True and not all(info.proven_per_class)
    assert info.proven is False and info.gap > 0


def test_mfc_radius_is_respected_to_the_last_grey_step():
    train = digits()
    for norm, radius in (("L2", 1.5), ("Linf", 0.5), ("L1", 8.0)):
        condensed = run(mfc, train, radius=radius, norm=norm, **FEW)[1]
        assert condensed.radius <= radius
        assert condensed.info.lower_bound_k <= len(condensed)


def test_first_cover_of_all_classes_comes_before_anything_improves():
    events, _ = run(mfc, digits(), ipc=5, **FEW)
    assert all(event.done == 0 and event.x is not None for event in events[:10])
    assert len(events[9].y) == 50
    solving = [event.values for event in events[9:] if event.values]
    radii = [values["radius"] for values in solving]
    bounds = [values["lower_bound"] for values in solving]
    assert radii == sorted(radii, reverse=True)
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("method", [random, k_center, mfc])
def test_classes_smaller_than_the_budget_give_all_they_have(method):
    x = np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1) * 30
    train = TrainSplit(x=x, y=np.array([0, 0, 0, 0, 2, 2, 3]), levels=255)
    condensed = run(method, train, n_classes=5, ipc=3)[1]
    assert np.bincount(condensed.y, minlength=5).tolist() == [3, 0, 2, 1, 0]


@pytest.mark.parametrize("settings", [{"ipc": 4}, {"radius": 1.4}])
def test_mfc_resumes_to_the_same_bytes(settings):
    train = digits()
    events, whole = run(mfc, train, **settings, **FEW)
    states = [event.state for event in events if event.note.endswith("finished")]
    assert len(states) == 10
    config = mfc.Config(**settings, **FEW)
    work = mfc.condense(train, config, n_classes=10, seed=0, device="cpu", checkpoint=states[6])
    assert next(work).done == 7
    while True:
        try:
            next(work)
        except StopIteration as stop:
            resumed = stop.value
            break
    assert resumed.hash == whole.hash
    for name in ("lower_bound_per_class", "gap", "proven_per_class"):
        assert getattr(resumed.info, name) == getattr(whole.info, name)


@pytest.mark.parametrize("method", [random, k_center, mfc])
def test_closing_early_is_quiet(method):
    work = method.condense(digits(), method.Config(), n_classes=10, seed=0, device="cpu")
    for _ in range(5):
        next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_exactly_one_of_ipc_and_radius():
    assert mfc.Config().ipc == 10
    assert mfc.Config(radius=8.0).ipc is None
    for wrong in ({"ipc": 5, "radius": 1.0}, {"ipc": None}):
        with pytest.raises(ConfigError, match="exactly one of ipc and radius"):
            mfc.Config(**wrong)


@pytest.mark.parametrize("method", [random, k_center, mfc])
def test_nothing_to_choose_from_is_refused(method):
    empty = TrainSplit(x=np.empty((0, 1, 2, 2), np.uint8), y=np.empty(0, np.int64), levels=255)
    with pytest.raises(ConfigError, match="at least one train image, got none"):
        run(method, empty)


def test_memory_limit_is_refused_before_it_is_used():
    train = TrainSplit(x=np.zeros((6_000, 1, 1, 2), np.uint8), y=np.zeros(6_000, np.int64), levels=255)
    with pytest.raises(ResourceError, match="would fit"):
        run(mfc, train, n_classes=1, radius=1.0, memory=60)
