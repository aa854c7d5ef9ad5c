"""Several files in one upload: they become one set with the pixels and labels that they hold, or one sentence."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import form_of, save_together, understand
from core.errors import DataError
from core.events import drive
from core.types import DataConfig

X = np.random.default_rng(0).integers(0, 256, (40, 4, 4)).astype(np.uint8)
Y = np.arange(40) % 4
Files = dict[str, bytes]


def npy(array: np.ndarray) -> bytes:
    np.save(out := io.BytesIO(), array)
    return out.getvalue()


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def csv(rows: slice) -> bytes:
    head = ",".join(["label", *(f"pixel{k}" for k in range(16))])
    lines = [",".join(map(str, [y, *x.ravel()])) for x, y in zip(X[rows], Y[rows], strict=True)]
    return "\n".join([head, *lines]).encode()


def pictures() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, image in enumerate(X):
            Image.fromarray(image).save(held := io.BytesIO(), "PNG")
            archive.writestr(f"photos/{number:02}.png", held.getvalue())
    return out.getvalue()


def labels() -> bytes:
    return "\n".join(["file,class", *(f"{number:02}.png,class {y}" for number, y in enumerate(Y))]).encode()


PARTED = {"x_train": X[:30], "y_train": Y[:30], "x_test": X[30:], "y_test": Y[30:]}
SETS: dict[str, tuple[str, Files]] = {
    "arrays": ("single arrays, .npy", {"x.npy": npy(X), "y.npy": npy(Y)}),
    "arrays of parts": ("single arrays, .npy", {f"{name}.npy": npy(array) for name, array in PARTED.items()}),
    "idx": ("IDX files", {"train-images-idx3-ubyte": idx(X), "train-labels-idx1-ubyte": idx(Y)}),
    "packed idx": (
        "IDX files",
        {"train-images-idx3-ubyte.gz": gzip.compress(idx(X), mtime=0), "train-labels.idx1-ubyte": idx(Y)},
    ),
    "pictures": ("a zip of images with its labels.csv", {"photos.zip": pictures(), "labels.csv": labels()}),
    "tables": ("tables of the parts", {"mine_train.csv": csv(slice(30)), "mine_test.csv": csv(slice(30, None))}),
}


def sent(files: Files) -> list[tuple[str, io.BytesIO]]:
    return [(name, io.BytesIO(content)) for name, content in files.items()]


@pytest.mark.parametrize("title", SETS)
def test_files_of_one_upload_are_one_set(title: str, tmp_path: Path):
    form, files = SETS[title]
    assert form_of(list(files)) == form
    path = save_together(sent(files), tmp_path / "data")
    assert sorted(file.name for file in path.iterdir()) == sorted(files)
    _, dataset = drive(understand(DataConfig(name=str(path)), root=tmp_path))
    found = [
        (x.tobytes(), int(y)) for part in (dataset.train, dataset.test) for x, y in zip(part.x, part.y, strict=True)
    ]
    assert sorted(found) == sorted((x.tobytes(), int(y)) for x, y in zip(X, Y, strict=True))


def test_the_same_files_in_another_order_are_stored_once(tmp_path: Path):
    _, files = SETS["arrays"]
    first = save_together(sent(files), tmp_path)
    assert save_together(sent(files)[::-1], tmp_path) == first
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [first.parent]
    swapped = save_together(sent({"x.npy": files["y.npy"], "y.npy": files["x.npy"]}), tmp_path)
    assert swapped != first and (first / "x.npy").read_bytes() == files["x.npy"]
    renamed = save_together(sent({"x.npy": files["x.npy"], "y_train.npy": files["y.npy"]}), tmp_path)
    assert renamed != first and (renamed / "y_train.npy").read_bytes() == files["y.npy"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a.npz", "b.npz"], "a.npz, b.npz make no set together: choose one file, or all of one set"),
        (["x.npy", "train-labels-idx1-ubyte"], "make no set together"),
        (["a.zip", "b.zip"], "make no set together"),
        (["a.zip", "names.txt"], "make no set together"),
        (["x.npy", "x.npy"], "two of the files are called 'x.npy'"),
    ],
)
def test_files_that_make_no_set_are_refused_before_anything_is_stored(names: list[str], sentence: str, tmp_path: Path):
    with pytest.raises(DataError, match=sentence):
        save_together([(name, io.BytesIO(b"")) for name in names], tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_all_files_of_an_upload_count_together(tmp_path: Path):
    _, files = SETS["arrays"]
    most = max(map(len, files.values())) + 1
    with pytest.raises(DataError, match="y.npy is larger than 0 MB, the most that is taken here"):
        save_together(sent(files), tmp_path, most=most)
    assert list(tmp_path.iterdir()) == []


def test_tables_that_are_no_parts_of_one_set_are_a_sentence(tmp_path: Path):
    path = save_together(sent({"cats.csv": csv(slice(20)), "dogs.csv": csv(slice(20, None))}), tmp_path)
    with pytest.raises(DataError, match="several tables that are not the parts of one set, cats.csv, dogs.csv"):
        drive(understand(DataConfig(name=str(path)), root=tmp_path))


def test_a_labels_csv_beside_a_zip_says_what_it_gives(tmp_path: Path):
    path = save_together(sent(SETS["pictures"][1]), tmp_path)
    _, dataset = drive(understand(DataConfig(name=str(path)), root=tmp_path))
    assert dataset.classes == ("class 0", "class 1", "class 2", "class 3")
    assert any("labels.csv beside photos.zip is read too" in note for note in dataset.notes)
