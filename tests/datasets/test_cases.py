"""What people's files are read as: every input of `cases.py` with its reading, its question, or its one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.datasets import describe, load, preview, understand
from core.errors import DataError
from core.events import drive
from core.types import DataConfig, Dataset, Understood
from tests.datasets.cases import CONVENTIONS, draw


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("cases"))


def understood(path: Path, **settings) -> tuple[Understood, Dataset | None]:
    found, dataset = drive(understand(DataConfig(name=str(path), **settings), root=path.parent))
    assert found is not None
    return found, dataset


READ = {  # case: images in train, test and validation, classes, and words that the notes must hold
    "letters": (24, 8, 0, "A a B b", "stratified fifth"),
    "letters.npz": (32, 8, 0, "A a B b", ""),
    "circled": (10, 2, 0, "① ②", ""),
    "named.npz": (40, 10, 0, "benign malignant", "10 test images are in the train part too"),
    "before": (10, 2, 0, "0 1", ""),
    "after": (10, 2, 0, "benign malign", ""),
    "sessions": (16, 4, 0, "cat dog", "folders below a class folder count to that class: cat, dog"),
    "sessions-train": (16, 4, 0, "cat dog", "folders below a class folder"),
    "scenes": (16, 6, 0, "forest sea", "6 images in seg_pred are left out"),
    "lacks": (24, 6, 0, "0 90 180 270", "no test image of: 180"),
    "checkpoints": (10, 2, 0, "a b", ""),
    "vehicles": (12, 3, 0, "bus car train", ""),
    "exif": (12, 4, 0, "a b", "8 images were turned as their EXIF data ask"),
    "links": (15, 3, 0, "a b c", ""),
    "signs": (10, 2, 0, "00000 00001", ""),
    "accents.zip": (12, 6, 0, "glas Müll", ""),
    "gbk.zip": (10, 2, 0, "小狗 小猫", "read as GBK"),
    "archive.zip": (32, 8, 0, "0 1", "archive.zip holds mnist.npz, which is read"),
    "over.npz": (32, 8, 0, "0 1", "by rounding alone were brought to the end: 1"),
    "twins.npz": (498, 4, 0, "0 1", "494 train images repeat an earlier one"),
    "black.npz": (60, 20, 0, "0 1", "20 train images have an equal train image of another class"),
    "4x4.npz": (45, 15, 0, "0 1 2", ""),
    "5x3.npz": (45, 15, 0, "0 1 2", ""),
    "1x16.npz": (45, 15, 0, "0 1 2", ""),
    "12x12.npz": (45, 15, 0, "0 1 2", ""),
    "6x20.npz": (45, 15, 0, "0 1 2", ""),
    "labels-float.npz": (32, 8, 0, "0 1", ""),
    "labels-texts.npz": (32, 8, 0, "0.0 1.0", ""),
    "3x3.npz": (32, 8, 0, "0 1", ""),
    "fortran.npz": (32, 8, 0, "0 1", ""),
    "tail.npz": (24, 18, 0, "0 1 2", ""),
    "no-test.npz": (45, 10, 0, "0 1 2", "no test image of: 2"),
    "training-testing": (12, 6, 0, "cat dog", "training is read as the train part"),
    "train-val": (12, 6, 0, "cat dog", "no test part: the 6 validation images are used as test images"),
    "train-test-valid": (12, 6, 4, "cat dog", "4 validation images are kept apart"),
    "Tr-Ts-Dev": (12, 6, 4, "cat dog", "4 validation images are kept apart"),
    "trainingSet-testSet": (12, 6, 0, "cat dog", ""),
    "TRAIN-TEST-VALIDATION": (12, 6, 4, "cat dog", ""),
    "images-below": (12, 6, 0, "cat dog", ""),
    "set-names": (12, 6, 4, "cat dog", ""),
}
SENTENCES = {
    "latin.npz": r"class names that are no UTF-8, b'caf\\xe9' among them: save them as text",
    "extra": "class 'd' is in the test part only",
    "deep": "a/0.png has 16 bits a channel in colour .* 11 more: .*remove or replace such files$",
    "beside": "overview.png in beside is in no class folder",
    "flat-test": "test/1.png in flat-test is in no class folder",
    "in-names": "in no class folder.*9 more.*remove or replace such files$",
    "zip-in-zip.zip": "holds no images.*it holds accents.zip: unpack it",
    "kinds.npz": "train and test images differ",
    "labels-38.npz": "no train image of: 0, 1, 2, 4, 5 and 2 more; number the classes without gaps, or give names",
    "labels-pm.npz": "labels must be 0..C-1, got -1..1",
    "labels-bool.npz": "whole numbers or class names, got .* bool",
    "labels-u64.npz": "labels must be 0..C-1, got 9223372036854775808",
    "hwcn.npz": r"got shape \(8, 8, 3, 40\)",
    "rgba.npz": r"got shape \(40, 8, 8, 4\)",
    "int8.npz": "got -128..127: say which values are black and white, such as --range -128:127",
}


@pytest.mark.parametrize("case", READ)
def test_what_is_clear_is_read(case: str, cases: Path):
    found, dataset = understood(cases / case)
    train, test, validation, classes, words = READ[case]
    assert found.parts == {"train": train, "test": test, "validation": validation}
    assert dataset is not None
    assert (len(dataset.train), len(dataset.test)) == (train, test)
    assert dataset.classes == found.classes == tuple(classes.split())
    assert words in " · ".join(found.notes)
    assert found.range.read_as == (((0.0, 1.0),) if case == "over.npz" else ((0.0, 255.0),))


@pytest.mark.parametrize("case", SENTENCES)
def test_what_is_not_is_one_sentence(case: str, cases: Path):
    with pytest.raises(DataError, match=SENTENCES[case]) as caught:
        drive(load(DataConfig(name=str(cases / case)), root=cases))
    assert "\n" not in str(caught.value)


def test_every_case_has_its_row(cases: Path):
    drawn = {path.name for path in cases.iterdir()} - {"store", "mnist-like.npz", "thousand.npz"}
    assert drawn == READ.keys() | SENTENCES.keys()
    assert CONVENTIONS.keys() <= READ.keys()


def test_a_thousand_classes_are_read(cases: Path):
    found, dataset = understood(cases / "thousand.npz")
    assert found.parts == {"train": 2000, "test": 1000, "validation": 0}
    assert dataset is not None
    assert dataset.classes[:3] == ("0", "1", "2")
    assert describe(dataset).train_counts == (2,) * 1000


@pytest.mark.parametrize("case", ["letters", "letters.npz", "sessions", "circled"])
def test_no_order_depends_on_the_process(case: str, cases: Path):
    code = (
        "import sys; from pathlib import Path; from core.datasets import load; from core.events import drive\n"
        "from core.types import DataConfig\n"
        "d = drive(load(DataConfig(name=sys.argv[1]), root=Path())); print(d.hash, d.classes)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(cases / case)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[2],
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_turned_pictures_are_the_upright_ones(cases: Path):
    _, dataset = understood(cases / "exif")
    assert dataset is not None
    for label in range(2):
        pixels = dataset.train.x[dataset.train.y == label]
        assert np.abs(pixels.astype(int) - pixels[0]).max() <= 12  # of JPEG alone


def test_left_out_is_listed_by_name(cases: Path):
    found, _ = understood(cases / "scenes")
    assert [left.file for left in found.left_out] == [f"seg_pred/seg_pred/{i}.png" for i in range(6)]
    found, _ = understood(cases / "signs")
    assert {left.file for left in found.left_out} == {"00000/GT-00000.csv", "00001/GT-00001.csv"}
    found, _ = understood(cases / "checkpoints")
    assert len(found.left_out) == 3


@pytest.mark.parametrize(("case", "train", "file"), [("beside", 10, "overview.png"), ("flat-test", 10, "test/1.png")])
def test_what_belongs_to_no_class_is_left_out_on_request(case: str, train: int, file: str, cases: Path):
    found, dataset = understood(cases / case, skip_bad=True)
    assert found.parts["train"] == train
    assert [left.file for left in found.left_out] == [file]
    assert dataset is not None
    assert "1 files that cannot be read or placed are left out, as asked" in " ".join(found.notes)


def test_links_that_lead_outside_are_left_out_where_others_may_ask(cases: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BALLAST_SHARED", "1")
    found, _ = understood(cases / "links")
    assert found.classes == ("a", "b")
    assert [(left.file, "shared server" in left.why) for left in found.left_out] == [("c", True)]


def test_the_same_pixels_under_other_class_names_are_the_same_pixels(cases: Path):
    (_, before), (_, after) = understood(cases / "before"), understood(cases / "after")
    assert before is not None
    assert after is not None
    assert before.hash == after.hash
    assert after.classes == ("benign", "malign")


def test_int8_is_mapped_when_the_reader_says_so(cases: Path):
    found, dataset = understood(cases / "int8.npz")
    assert dataset is None
    assert found.range.needs_answer
    assert found.range.proposal == "-128:127"
    found, dataset = understood(cases / "int8.npz", range="-128:127")
    assert dataset is not None
    assert (dataset.train.levels, str(dataset.train.x.dtype)) == (255, "uint8")
    assert not found.range.needs_answer


def test_previews_and_costs_follow_a_budget_of_pixels(monkeypatch: pytest.MonkeyPatch, cases: Path):
    _, dataset = understood(cases / "thousand.npz")
    assert dataset is not None
    monkeypatch.setattr(sys.modules[preview.__module__], "MOST_VALUES", 64 * 50)
    x, y = preview(dataset)
    assert len(x) == len(np.unique(y)) == 50
    assert (y.min(), y.max()) == (0, 999)
    assert not any("large" in note for note in dataset.notes)
    monkeypatch.setattr(sys.modules["core.datasets.arrays"], "LARGE", 1_000_000)
    _, dataset = understood(cases / "thousand.npz")
    assert dataset is not None
    assert any("every image a class (1,000 classes)" in note for note in dataset.notes)


RIGHT_BEFORE = {  # as version 0.1 read them
    "lacks": "04f5077a981b1de4",
    "sessions-train": "4c3d91fc27c3529a",
    "before": "3ed1f840a550c8cb",
    "checkpoints": "5a56fd6339ac4b7b",
    "6x20.npz": "cd4e7a3cf8cd3e34",
    "fortran.npz": "bd542670e167e3e6",
    "thousand.npz": "ba06c817148a1420",
    "labels-texts.npz": "bbd5e2d515057cbc",
    "named.npz": "9b1dc77c7124c0c3",
    "twins.npz": "28234703d6026dfd",
}


@pytest.mark.parametrize("case", RIGHT_BEFORE)
def test_what_was_read_right_before_is_the_same_data(case: str, cases: Path):
    _, dataset = understood(cases / case)
    assert dataset is not None
    assert dataset.hash == RIGHT_BEFORE[case]
