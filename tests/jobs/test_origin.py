"""Sets and networks know what they were made from: other classes are refused, other content of the same is noted."""

from pathlib import Path

import numpy as np
import pytest

from core import api
from core.engine import artifacts
from core.errors import ConfigError, DataError
from core.types import CondensedSet, Dataset, Origin, TestSplit, TrainSplit

FEW = {"attack_steps": 1, "images": 4, "curve_points": 0, "live_images": 0}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    return tmp_path


def own(folder: Path, names: str, seed: int = 0) -> str:
    """A data set of four 4×4 images a class; the path."""
    y = np.array(names.split())[np.arange(16) % len(names.split())]
    x = np.random.default_rng(seed).integers(0, 256, (16, 4, 4), dtype=np.uint8)
    path = folder / f"{names.replace(' ', '-')}-{seed}.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    return str(path)


def made(data: str, out: Path) -> Path:
    """Condense and train on a data set; the folder with condensed.npz and last.safetensors."""
    values = {"data": {"name": data}, "method": {"name": "random", "options": {"ipc": 2}}}
    assert api.here("condense", values, out=out).status == "done"
    settings = values | {"network": "mlp", "training": {"name": "standard", "options": {"epochs": 1}}}
    done = api.here("train", {"settings": settings, "condensed": str(out / "condensed.npz")}, out=out)
    assert done.status == "done", done.error
    return out


def judged(data: str, model: Path):
    settings = {"data": {"name": data}, "evaluation": FEW}
    return api.here("evaluate", {"settings": settings, "model": str(model)})


def test_origin_travels_with_set_and_network(home: Path):
    data = own(home, "cat dog")
    folder = made(data, home / "out")
    dataset = api.load_now(data)
    assert artifacts.load_condensed(folder / "condensed.npz").origin == Origin.of(dataset)
    assert artifacts.load_model(folder / "last.safetensors").origin == Origin.of(dataset)


def test_a_network_of_other_classes_is_refused_and_one_of_other_content_noted(home: Path):
    data = own(home, "cat dog")
    model = made(data, home / "out") / "last.safetensors"
    right = judged(data, model)
    assert right.status == "done"
    assert not any("another train split" in note for note in right.result["notes"])
    wrong = judged(own(home, "dog fox", seed=2), model)
    assert wrong.status == "failed"
    assert "was made for the classes cat, dog, dog-fox-2 has dog, fox: its labels mean other classes" in wrong.error
    other = judged(own(home, "cat dog", seed=1), model)
    assert other.status == "done"
    assert any("what was learned there may be judged here" in note for note in other.result["notes"])


def test_a_set_of_other_classes_is_refused(home: Path):
    folder = made(own(home, "cat dog"), home / "out")
    settings = {"data": {"name": own(home, "fox hen", seed=2)}, "network": "mlp"}
    done = api.here("train", {"settings": settings, "condensed": str(folder / "condensed.npz")})
    assert done.status == "failed"
    assert "made for the classes cat, dog" in done.error


def dataset(classes: tuple[str, ...], level: int = 0) -> Dataset:
    x, y = np.full((2, 1, 2, 2), level, np.uint8), np.arange(2)
    return Dataset(name="own", train=TrainSplit(x=x, y=y), test=TestSplit(x=x.copy(), y=y.copy()), classes=classes)


def test_what_an_origin_contradicts():
    cats, renamed = dataset(("cat", "dog")), dataset(("cat", "hound"))
    other, numbers = dataset(("cat", "hound"), 1), dataset(("0", "1"), 1)
    origin = Origin.of(cats)
    assert not origin.contradicts(cats)
    assert not origin.contradicts(renamed), "the same pixels and labels under other names are the same data"
    assert origin.contradicts(other)
    assert origin.contradicts(dataset(("dog", "cat"), 1)), "the same names in another order"
    assert not origin.contradicts(numbers), "numbers are no names"
    assert not Origin().contradicts(cats)


def test_from_a_notebook_too(home: Path):
    condensed = api.condense_now(own(home, "cat dog"), method="random", ipc=1)
    with pytest.raises(DataError, match="the condensed set was made for the classes cat, dog"):
        api.train_now(own(home, "fox hen", seed=2), condensed, network="mlp", epochs=1)


@pytest.mark.parametrize("meta", ['{"origin": 3}', '{"origin": {"classes": "ab"}}', '{"origin": {"train_hash": 3}}'])
def test_an_origin_that_is_none_is_a_sentence(meta: str, tmp_path: Path):
    blank = CondensedSet(x=np.zeros((2, 1, 2, 2), np.float32), y=np.arange(2), n_classes=2, method="random")
    artifacts.save_arrays(tmp_path / "set.npz", {**blank.arrays(), "meta": np.array(meta)})
    with pytest.raises(DataError, match="the entry meta of set.npz is not ours"):
        artifacts.load_condensed(tmp_path / "set.npz")


def test_classes_with_fewer_images_than_asked_are_said(home: Path):
    y = np.repeat([0, 1, 2], [20, 3, 1])
    x = np.random.default_rng(0).integers(0, 256, (24, 4, 4), dtype=np.uint8)
    np.savez(home / "tail.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    for method in ("random", "k-means", "herding"):
        values = {"data": {"name": str(home / "tail.npz")}, "method": {"name": method, "options": {"ipc": 5}}}
        done = api.here("condense", values)
        wanted = "classes with fewer than 5 train images: 1 (3), 2 (1); the set has 9 images instead of 15"
        assert wanted in done.result["notes"], method


def test_a_budget_of_all_images_leaves_its_file(home: Path):
    values = {"data": {"name": own(home, "cat dog")}, "method": {"name": "random", "options": {"ipc": 15}}}
    assert api.here("condense", values, out=home / "out").status == "done"
    assert (home / "out" / "condensed.npz").exists()


@pytest.mark.parametrize(("flags", "meant"), [({"eps": "8"}, "8/255"), ({"eval-eps": "16", "norm": "Linf"}, "16/255")])
def test_a_budget_beyond_white_is_asked_about(flags: dict, meant: str):
    with pytest.raises(ConfigError, match=f"did you mean {meant}"):
        api.parse(flags, stages=("data", "eval"))
    assert api.parse({"eps": "8", "norm": "L2"}, stages=("eval",)).evaluation.eps == 8
    assert api.parse({"eps": "1"}, stages=("eval",)).evaluation.eps == 1
    with pytest.raises(ConfigError, match="did you mean"):
        api.options({"eps": "8"}, api.AuditConfig)
    asked = {"evaluation": {"norm": "Linf", "eps": 8.0}}
    assert "did you mean 8/255" in api.check(asked)  # a page is told the same
    with pytest.raises(ConfigError, match="did you mean 8/255"):
        api.submit(asked)
