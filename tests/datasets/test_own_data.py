"""Data that a user brings: what is right loads, what is wrong gets one sentence and leaves nothing behind."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import load
from core.datasets.readers import tree
from core.errors import DataError
from core.events import drive
from core.types import DataConfig, Dataset

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
X, Y = np.random.default_rng(0).integers(0, 256, (20, 6, 5), dtype=np.uint8), np.arange(20) % 4


def from_arrays(tmp_path: Path, **arrays) -> Dataset:
    np.savez(tmp_path / "own.npz", **arrays)
    return drive(load(DataConfig(name=str(tmp_path / "own.npz")), root=tmp_path))


def png(side: int = 4, mode: str = "L", value: int = 100) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (side, side), value if mode == "L" else (value, 0, 255)).save(out, "PNG")
    return out.getvalue()


def from_zip(tmp_path: Path, entries: dict[str, bytes], **settings) -> Dataset:
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return drive(load(DataConfig(name=str(tmp_path / "own.zip"), **settings), root=tmp_path))


# --- arrays -----------------------------------------------------------------------------------------
LAYOUTS = (X, X[:, None], X[..., None], np.repeat(X[:, None], 3, 1), np.repeat(X[..., None], 3, 3))


@pytest.mark.parametrize("x", LAYOUTS, ids=lambda x: str(x.shape))
def test_every_usual_layout_becomes_channel_first(x: np.ndarray, tmp_path: Path):
    dataset = from_arrays(tmp_path, x_train=x, y_train=Y, x_test=x, y_test=Y)
    assert dataset.train.shape[1:] == (6, 5)
    assert np.array_equal(dataset.train.x[:, 0], X)
    assert dataset.train.levels == 255


def test_floats_stay_floats_and_names_may_be_upper_case(tmp_path: Path):
    dataset = from_arrays(tmp_path, X_TRAIN=X / 255, Y_Train=Y, X_test=X / 255, y_TEST=Y)
    assert dataset.train.levels == 0
    assert np.allclose(dataset.train.pixels()[:, 0], X / 255, atol=1e-7)


def test_missing_test_part_is_split_off_and_said(tmp_path: Path):
    dataset = from_arrays(tmp_path, x_train=X, y_train=Y)
    assert (len(dataset.train), len(dataset.test)) == (16, 4)
    assert "stratified fifth, 4 images" in dataset.notes[0]


@pytest.mark.parametrize("kind", ["U", "S"])
def test_class_names_become_labels_in_natural_order(kind: str, tmp_path: Path):
    names = np.array([f"class {n}" for n in (10, 2, 1, 2)] * 5).astype(kind)
    dataset = from_arrays(tmp_path, x_train=X, y_train=names)
    assert dataset.classes == ("class 1", "class 2", "class 10")


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y_train": Y}, "has no x_train, it has: y_train"),
        ({"x_train": X}, "has no y_train"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "only one of x_test and y_test"),
        ({"x_train": X[:, 0], "y_train": Y}, r"x_train must be .* got shape \(20, 5\)"),
        ({"x_train": X, "y_train": Y[:7]}, "20 images and y_train 7 labels"),
        ({"x_train": X / 255 * np.nan, "y_train": Y}, "NaN or infinite values in 600 places"),
        ({"x_train": X.astype(float), "y_train": Y}, r"must lie in \[0, 1\].*divide it by 255"),
        ({"x_train": X.astype(int) * 300, "y_train": Y}, "must hold 8-bit values"),
        ({"x_train": X.astype(complex), "y_train": Y}, "must be uint8 or float, got complex128"),
        ({"x_train": X, "y_train": Y * 0.5}, "whole numbers or class names, got .* float64"),
        ({"x_train": X, "y_train": Y - 1}, r"labels must be 0..C-1, got -1..2"),
        ({"x_train": X, "y_train": Y * 2}, "no train image of: 1, 3, 5"),
        ({"x_train": X, "y_train": Y * 0}, "all train images are of one class"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :5], "y_test": Y}, "train and test images differ"),
        ({"x_train": X, "y_train": Y.astype(str), "x_test": X[:1], "y_test": ["9"]}, "class '9' is in the test part"),
        ({"x_train": np.array([{}, []], dtype=object), "y_train": Y}, "pickled objects, which are never opened"),
    ],
)  # fmt: skip
def test_wrong_arrays_get_one_sentence(arrays: dict, sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        from_arrays(tmp_path, **arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["own.npz"]


def test_rubbish_is_no_archive(tmp_path: Path):
    for name in ("own.npz", "own.zip"):
        (tmp_path / name).write_bytes(b"not an archive at all")
        with pytest.raises(DataError, match=f"{name} is no readable"):
            drive(load(DataConfig(name=str(tmp_path / name)), root=tmp_path))
    (tmp_path / "own.tar").write_bytes(b"")
    with pytest.raises(DataError, match="neither .npz, .zip nor a folder"):
        drive(load(DataConfig(name=str(tmp_path / "own.tar")), root=tmp_path))


def test_truncated_npz(tmp_path: Path):
    np.savez(tmp_path / "whole.npz", x_train=X, y_train=Y)
    (tmp_path / "own.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:300])
    with pytest.raises(DataError, match="no readable .npz"):
        drive(load(DataConfig(name=str(tmp_path / "own.npz")), root=tmp_path))


# --- class folders ------------------------------------------------------------------------------------
def good(prefix: str = "") -> dict[str, bytes]:
    return {
        f"{prefix}{part}/{name}/{i}.png": png(value=value)
        for part in ("train", "test")
        for name, value in (("cat", 10), ("dog", 200))
        for i in range(5)
    }


@pytest.mark.parametrize("prefix", ["", "pets/", "Pets/data/"])
def test_zip_of_class_folders(prefix: str, tmp_path: Path):
    noise = {f"{prefix}.DS_Store": b"x", "__MACOSX/train/cat/._1.png": b"x", f"{prefix}README.txt": b"x"}
    dataset = from_zip(tmp_path, good(prefix) | noise)
    assert dataset.classes == ("cat", "dog")
    assert (len(dataset.train), len(dataset.test)) == (10, 10)
    for split in (dataset.train, dataset.test):
        assert {(int(y), int(x[0, 0, 0])) for x, y in zip(split.x, split.y, strict=True)} == {(0, 10), (1, 200)}


def test_folder_with_upper_case_names_and_no_test_part(tmp_path: Path):
    for name in ("Cat", "dog"):
        (tmp_path / "TRAIN" / name).mkdir(parents=True)
        for i in range(10):
            (tmp_path / "TRAIN" / name / f"{i}.PNG").write_bytes(png())
    dataset = drive(load(DataConfig(name=str(tmp_path)), root=tmp_path))
    assert dataset.classes == ("Cat", "dog")
    assert (len(dataset.train), len(dataset.test)) == (16, 4)


def test_colours_keep_their_channels(tmp_path: Path):
    entries = {f"{name}/{i}.png": png(mode="RGB", value=40) for name in "ab" for i in range(5)}
    dataset = from_zip(tmp_path, entries)
    assert np.array_equal(dataset.train.x[0, :, 0, 0], [40, 0, 255])


def test_resize_brings_images_to_one_side(tmp_path: Path):
    entries = good() | {"train/cat/large.png": png(side=9)}
    with pytest.raises(DataError, match="differ in size: .*9×9.*; set resize"):
        from_zip(tmp_path, entries)
    dataset = from_zip(tmp_path, entries, resize=6)
    assert dataset.train.shape == (1, 6, 6)
    assert "resized to 6×6" in dataset.notes[0]


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({}, "holds no images"),
        ({"a.png": png()}, "a.png in own.zip is in no class folder"),
        ({"test/cat/1.png": png()}, "test images only"),
        (good() | {"train/cat/x.png": b"\x89PNG broken"}, "train/cat/x.png is no readable image"),
        (good() | {"train/cat/x.png": png()[:40]}, "train/cat/x.png is no readable image"),
        (good() | {"train/cat/x.png": png(mode="RGB")}, "grey and RGB images are mixed: .*x.png is RGB"),
        (good() | {"test/bird/1.png": png()}, "class 'bird' is in the test part only"),
        ({f"cat/{i}.png": png() for i in range(5)}, "one class"),
        (good() | {"../evil.png": png()}, r"leaves the archive, '../evil.png'"),
        (good() | {"/etc/evil.png": png()}, "leaves the archive"),
        (good() | {"C:\\evil.png": png()}, "leaves the archive"),
        (good() | {"bomb.bin": bytes(60_000_000)}, "unpack from .* to 60.0 MB; allowed are .* ratio of 200"),
    ],
)
def test_wrong_zips_get_one_sentence(entries: dict, sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        from_zip(tmp_path, entries)
    assert [path.name for path in tmp_path.iterdir()] == ["own.zip"]


def test_symbolic_links_are_refused_in_zips_and_followed_in_folders(tmp_path: Path):
    link = zipfile.ZipInfo("train/cat/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="symbolic link"):
        drive(load(DataConfig(name=str(tmp_path / "own.zip")), root=tmp_path))
    (tmp_path / "outside.png").write_bytes(png())
    (tmp_path / "set" / "cat").mkdir(parents=True)
    (tmp_path / "set" / "cat" / "1.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "set" / "cat" / "2.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "set" / "cat" / "back").symlink_to(tmp_path / "set")
    found = tree.of_folder(tmp_path / "set")
    assert [str(entry.path) for entry in found.entries] == ["cat/1.png"]
    assert {left.file: left.why for left in found.left_out} == {
        "cat/2.png": "a link that leads nowhere",
        "cat/back": "a link that leads back to a folder that holds it",
    }


# --- real data --------------------------------------------------------------------------------------------
@pytest.mark.skipif(not (SHARED / "mnist.npz").exists(), reason="real MNIST is not beside the project")
def test_real_mnist(tmp_path: Path):
    dataset = drive(load(DataConfig(name=str(SHARED / "mnist.npz")), root=tmp_path))
    assert (len(dataset.train), len(dataset.test), dataset.train.shape) == (60_000, 10_000, (1, 28, 28))
    assert np.array_equal(dataset.train.y[:5], [5, 0, 4, 1, 9])


@pytest.mark.skipif(not (SHARED / "cifar10.zip").exists(), reason="the CIFAR-10 subset is not beside the project")
def test_real_cifar10(tmp_path: Path):
    seen = []
    dataset = drive(load(DataConfig(name=str(SHARED / "cifar10.zip")), root=tmp_path), seen.append)
    assert np.array_equal(np.bincount(dataset.train.y), np.full(10, 1200))
    assert np.array_equal(np.bincount(dataset.test.y), np.full(10, 200))
    assert dataset.classes[0] == "airplane"
    assert len(seen) > 3
    with zipfile.ZipFile(SHARED / "cifar10.zip") as archive:
        first = sorted(n for n in archive.namelist() if n.startswith("train/airplane/") and n.endswith(".png"))[0]
        pixels = np.asarray(Image.open(io.BytesIO(archive.read(first))))
    assert np.array_equal(dataset.train.x[0].transpose(1, 2, 0), pixels)
