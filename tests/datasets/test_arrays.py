"""Arrays as people save them: names, labels and values of every usual form, and the advice that fits each range."""

from pathlib import Path

import numpy as np
import pytest

from core.datasets import load, understand
from core.errors import DataError
from core.events import drive
from core.types import DataConfig, Dataset, Understood

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (24, 6, 6), dtype=np.uint8), np.arange(24) % 3
MEAN, DEVIATION = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2470, 0.2435, 0.2616])


def ask(tmp_path: Path, arrays: dict[str, np.ndarray], **settings) -> tuple[Understood, Dataset | None]:
    np.savez(tmp_path / "own.npz", **arrays)
    found, dataset = drive(understand(DataConfig(name=str(tmp_path / "own.npz"), **settings), root=tmp_path))
    assert found is not None
    return found, dataset


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        (np.eye(3, dtype=np.uint8)[Y], "0 1 2", "y_train is one-hot, 3 columns"),
        (np.eye(3)[Y], "0 1 2", "one-hot"),
        (Y[:, None], "0 1 2", ""),
        (Y.astype(np.float32), "0 1 2", ""),
        (Y + 1, "1 2 3", "labels are numbered from 1 to 3: each keeps its number as its name"),
        (np.array(["Müll", "Müll".replace("ü", "u\u0308"), "glas"])[Y], "glas Müll", ""),
        (np.array([b"b", b"a", b"c"])[Y], "a b c", ""),
    ],
    ids=["one-hot", "one-hot floats", "a column", "whole floats", "from 1", "two spellings", "bytes"],
)
def test_labels_of_every_usual_form(labels: np.ndarray, classes: str, words: str, tmp_path: Path):
    found, dataset = ask(tmp_path, {"x_train": X, "y_train": labels, "x_test": X, "y_test": labels})
    assert dataset is not None
    assert dataset.classes == tuple(classes.split())
    assert words in " ".join(found.notes)
    named = [dataset.classes[label] for label in dataset.train.y]
    assert len(set(zip(named, Y.tolist(), strict=True))) == 3, "each label means one class, and none is shifted"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (
            np.eye(3, dtype=int)[Y] + np.eye(3, dtype=int)[(Y + 1) % 3],
            "looks one-hot but some rows have none or several",
        ),
        (np.full((24, 3), 1 / 3), r"whole numbers or class names, got \(24, 3\)"),
        (Y + 5, "no train image of"),
    ],
)
def test_labels_that_could_mean_several_things_are_refused(labels: np.ndarray, sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        ask(tmp_path, {"x_train": X, "y_train": labels})


def test_medmnist_names_and_its_validation_part(tmp_path: Path):
    parts = {"train": slice(0, 12), "val": slice(12, 15), "test": slice(15, 24)}
    arrays = {f"{part}_images": X[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_labels": Y[rows, None] for part, rows in parts.items()}
    found, dataset = ask(tmp_path, arrays)
    assert dataset is not None
    assert found.parts == {"train": 12, "test": 9, "validation": 3}
    assert np.array_equal(dataset.train.x[:, 0], X[:12])


@pytest.mark.parametrize("names", [("images", "labels"), ("data", "target"), ("X", "y"), ("Train_X", "TRAIN_Y")])
def test_one_part_of_other_names(names: tuple[str, str], tmp_path: Path):
    found, dataset = ask(tmp_path, {names[0]: X, names[1]: Y, "weights": Y, "target_names": np.array(["a", "b", "c"])})
    assert dataset is not None
    assert found.classes == ("a", "b", "c")
    assert [left.file for left in found.left_out] == ["weights"]


def test_two_arrays_for_one_place_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="x_train, images, which are the same by their names"):
        ask(tmp_path, {"x_train": X, "images": X, "y_train": Y})


def colour(x: np.ndarray) -> np.ndarray:
    return np.repeat(x[:, None], 3, 1) / 255


@pytest.mark.parametrize(
    ("x", "proposal"),
    [
        (X // 16, "0:15"),
        (X // 255, "0:1"),
        (X.astype(np.uint16) * 16, "0:4095"),
        (X.astype(np.int16) - 128, "-128:127"),
        (X.astype(np.float32), "0:255"),
        (X / 127.5 - 1, "-1:1"),
        (X / 255 / 255, "0:0.00392157"),
        ((X / 255 - 0.1307) / 0.3081, "-0.424213:2.82149"),
        (
            (colour(X) - MEAN[:, None, None]) / DEVIATION[:, None, None],
            "-1.98947:2.05911,-1.98029:2.12649,-1.7068:2.11583",
        ),
    ],
    ids=["0..15", "0..1", "12 bits", "signed", "floats 0..255", "-1..1", "divided twice", "MNIST", "CIFAR-10"],
)
def test_values_without_a_clear_black_and_white_are_a_question(x: np.ndarray, proposal: str, tmp_path: Path):
    found, dataset = ask(tmp_path, {"x_train": x, "y_train": Y})
    assert dataset is None
    assert found.range.needs_answer
    assert found.range.proposal == proposal
    assert found.parts == {"train": 18, "test": 6, "validation": 0}
    with pytest.raises(DataError, match=f"such as --range {proposal}"):
        drive(load(DataConfig(name=str(tmp_path / "own.npz")), root=tmp_path))
    _, dataset = ask(tmp_path, {"x_train": x, "y_train": Y}, range=proposal)
    assert dataset is not None
    pixels = np.concatenate([dataset.train.pixels(), dataset.test.pixels()])
    assert pixels.min() == pytest.approx(0, abs=2e-5)
    assert pixels.max() == pytest.approx(1, abs=4e-3)


@pytest.mark.parametrize(("x", "levels"), [(X > 100, 1), (X, 255), (X.astype(">i8"), 255), (X / 255, 0)])
def test_clear_values_are_not_asked_about(x: np.ndarray, levels: int, tmp_path: Path):
    found, dataset = ask(tmp_path, {"x_train": np.asfortranarray(x), "y_train": Y})
    assert dataset is not None
    assert dataset.train.levels == levels
    assert not found.range.needs_answer


def test_dim_bytes_are_read_and_said(tmp_path: Path):
    found, dataset = ask(tmp_path, {"x_train": X // 3, "y_train": Y})
    assert dataset is not None
    assert "values reach only from 0 to 85, and 255 is taken for white" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"range": "0:200"}, "holds values 0 to 255, outside the range 0:200"),
        ({"range": "0:255,0:255,0:255"}, "gives 3 pairs, own has 1 channel"),
        ({"shape": "6x6"}, "has shape .* already: leave --shape out"),
    ],
)
def test_answers_that_do_not_fit(settings: dict, sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        ask(tmp_path, {"x_train": np.concatenate([X, X * 0 + 255, X * 0]), "y_train": np.tile(Y, 3)}, **settings)


@pytest.mark.parametrize(
    ("shape", "size"), [("6x6", (1, 6, 6)), ("1x4x9", (1, 4, 9)), ("3x3x4", (3, 3, 4)), ("4x3x3", (3, 4, 3))]
)
def test_rows_lie_as_they_are_said_to(shape: str, size: tuple[int, ...], tmp_path: Path):
    _, dataset = ask(tmp_path, {"x_train": X.reshape(24, 36), "y_train": Y}, shape=shape)
    assert dataset is not None
    assert dataset.train.shape == size
    with pytest.raises(DataError, match="has 36 values an image, --shape 5x5 has 25"):
        ask(tmp_path, {"x_train": X.reshape(24, 36), "y_train": Y}, shape="5x5")
