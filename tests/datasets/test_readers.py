"""IDX, single arrays, tables, parquet, CIFAR's batches: the pixels of an .npz, or a sentence; hostile pickles."""

import builtins
import gzip
import io
import json
import os
import pickle
import resource
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.datasets import READERS, load, understand
from core.datasets.readers import plain_pickle
from core.datasets.readers.npz import read
from core.errors import DataError
from core.events import drive
from core.types import DataConfig, Dataset, Understood

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (20, 6, 6), dtype=np.uint8), np.arange(20) % 4
X_TEST, Y_TEST = RNG.integers(0, 256, (8, 6, 6), dtype=np.uint8), np.arange(8) % 4


def ask(path: Path, **settings) -> tuple[Understood, Dataset | None]:
    found, dataset = drive(understand(DataConfig(name=str(path), **settings), root=path.parent))
    assert found is not None
    return found, dataset


def same(path: Path, **settings) -> Understood:
    """Check that a source is read as X, Y and the test part."""
    found, dataset = ask(path, **settings)
    assert dataset is not None
    assert np.array_equal(dataset.train.x[:, 0], X)
    assert np.array_equal(dataset.train.y, Y)
    assert np.array_equal(dataset.test.x[:, 0], X_TEST)
    assert np.array_equal(dataset.test.y, Y_TEST)
    assert found.parts == {"train": 20, "test": 8, "validation": 0}
    return found


def test_every_row_of_the_table_names_work_that_is_there():
    assert all(callable(row.read.resolve()) for row in READERS)
    assert READERS[0].read.resolve() is read


# --- IDX --------------------------------------------------------------------------------------------------
def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return struct.pack(">HBB", 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder: Path, packed: bool = False, prefix: str = "", mark: str = "-") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, x, y in (("train", X, Y), ("t10k", X_TEST, Y_TEST)):
        for what, array in (("images", x), ("labels", y.astype(np.uint8))):
            name = f"{prefix}{part}-{what}{mark}idx{array.ndim}-ubyte"
            content = idx(array)
            (folder / (name + (".gz" if packed else ""))).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files(packed: bool, tmp_path: Path):
    folder = write_idx(tmp_path / "MNIST" / "raw", packed, mark="-" if packed else ".")
    (folder / "README").write_text("x")
    found = same(tmp_path)
    assert found.layout == "IDX files"
    assert [left.file for left in found.left_out] == ["README"]
    same(next(folder.glob("train-images*")))


def test_packed_and_unpacked_side_by_side_are_one_set(tmp_path: Path):
    write_idx(write_idx(tmp_path, True), False)
    assert len(same(tmp_path).left_out) == 4


def test_several_sets_in_one_folder_are_a_question_that_a_file_answers(tmp_path: Path):
    write_idx(tmp_path, prefix="emnist-letters-")
    write_idx(tmp_path, prefix="emnist-digits-")
    with pytest.raises(DataError, match="several sets, .*emnist-letters.*: give the path of one of the files"):
        ask(tmp_path)
    same(tmp_path / "emnist-letters-train-images-idx3-ubyte")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda content: content[:-1], "says that it holds 720 bytes and 719 bytes follow"),
        (lambda content: content + b"x", "says that it holds 720 bytes and more follow"),
        (lambda content: b"\x01" + content[1:], "is no IDX file: its first bytes are 01"),
        (lambda content: b"", "is no IDX file"),
        (lambda content: content[:4] + b"\xff" * 12 + content[16:], "at most 8 GB are opened"),
        (lambda content: content[:7], "is no IDX file|cannot be read|says that it holds"),
    ],
)
def test_idx_headers_that_lie(spoil, sentence: str, tmp_path: Path):
    file = write_idx(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(DataError, match=sentence):
        ask(tmp_path)


def test_idx_images_without_labels(tmp_path: Path):
    (write_idx(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte and no labels for it"):
        ask(tmp_path)


# --- single arrays -----------------------------------------------------------------------------------------
def test_pairs_of_npy(tmp_path: Path):
    for name, array in (("x_train", X), ("y_train", Y), ("X_test", X_TEST), ("y_test", Y_TEST), ("weights", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    found = same(tmp_path)
    assert [left.file for left in found.left_out] == ["weights.npy"]
    same(tmp_path / "x_train.npy")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda content: content[:-1], "says that it holds 720 bytes and has 719"),
        (lambda content: content[:20], "no readable array"),
        (lambda content: b"no array", "no readable array"),
    ],
)
def test_npy_files_that_lie(spoil, sentence: str, tmp_path: Path):
    np.save(tmp_path / "images.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    (tmp_path / "images.npy").write_bytes(spoil((tmp_path / "images.npy").read_bytes()))
    with pytest.raises(DataError, match=sentence):
        ask(tmp_path)


def test_npy_of_objects_is_never_opened(tmp_path: Path):
    np.save(tmp_path / "images.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "labels.npy", Y)
    with pytest.raises(DataError, match="pickled objects, which are never opened"):
        ask(tmp_path)


# --- tables ------------------------------------------------------------------------------------------------
def rows(x: np.ndarray, y: np.ndarray, head: str = "", more: str = "") -> str:
    lines = [",".join(map(str, [label, *pixels.ravel().tolist()])) + more for pixels, label in zip(x, y, strict=True)]
    return "\n".join([head] * bool(head) + lines) + "\n"


def test_a_pair_of_tables_with_named_pixels(tmp_path: Path):
    head = "label," + ",".join(f"pixel{i}" for i in range(36))
    (tmp_path / "sign_mnist_train.csv").write_text(rows(X, Y, head))
    (tmp_path / "sign_mnist_test.csv").write_text(rows(X_TEST, Y_TEST, head))
    found = same(tmp_path / "sign_mnist_train.csv")
    assert "sign_mnist_test.csv beside it is read too" in found.notes
    assert "36 values a row are read as 6×6 pixels, row by row" in found.notes


def test_tables_without_names_and_packed(tmp_path: Path):
    for part, x, y in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        (tmp_path / f"mnist_{part}.csv.gz").write_bytes(gzip.compress(rows(x, y).encode()))
    same(tmp_path / "mnist_train.csv.gz")


def test_a_table_with_a_usage_column_and_pixels_in_one(tmp_path: Path):
    lines = ["emotion,pixels,Usage"]
    for x, y, usage in ((X, Y, "Training"), (X_TEST, Y_TEST, "PublicTest")):
        lines += [f"{label},{' '.join(map(str, p.ravel()))},{usage}" for p, label in zip(x, y, strict=True)]
    (tmp_path / "fer.csv").write_text("\n".join(lines))
    same(tmp_path / "fer.csv")


def test_a_test_table_without_labels_is_left_out(tmp_path: Path):
    head = "label," + ",".join(f"pixel{i}" for i in range(36))
    (tmp_path / "train.csv").write_text(rows(X, Y, head))
    (tmp_path / "test.csv").write_text(head[6:] + "\n" + "\n".join(",".join(map(str, p.ravel())) for p in X_TEST))
    found, dataset = ask(tmp_path / "train.csv")
    assert dataset is not None
    assert found.parts == {"train": 16, "test": 4, "validation": 0}
    assert [(left.file, left.why) for left in found.left_out] == [("test.csv", "it has no label column")]


def test_columns_that_tell_no_shape_ask_for_it(tmp_path: Path):
    head = "id,label," + ",".join(f"f{chr(97 + i // 6)}{chr(97 + i % 6)}" for i in range(36))
    lines = [f"{i},{y}," + ",".join(map(str, p.ravel())) for i, (p, y) in enumerate(zip(X, Y, strict=True))]
    (tmp_path / "own.csv").write_text("\n".join([head, *lines]))
    with pytest.raises(DataError, match=r"got shape \(20, 36\); say how its values lie .* --shape 28x28"):
        ask(tmp_path / "own.csv")
    found, dataset = ask(tmp_path / "own.csv", shape="6x6")
    assert dataset is not None
    assert dataset.train.shape == (1, 6, 6)
    assert [left.file for left in found.left_out] == ["own.csv: column id"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no readable table"),
        ("a,b,c\nx,y,z\n", "no column called label"),
        ("label,name\n0,x\n1,y\n", "no columns of numbers beside its label"),
        ("label,pixel0,pixel1\n0,1,x\n1,2,3\n", "pixels that are no numbers"),
        ("label,pixel0,pixel1\n0,1,\n1,2,3\n", "pixels that are no numbers"),
        ("label,pixel0,pixel1\n,1,2\n1,2,3\n", "rows without a label"),
        ("label,pixel0,split\n0,1,train\n1,2,elsewhere\n", "part 'elsewhere'"),
        ("label,pixels\n0,1 2 3 4\n1,1 2\n", "are no pixels"),
        ("label,pixel0\n0,1,2,3\n1\n", "no readable table|pixels"),
    ],
)
def test_tables_that_are_none(text: str, sentence: str, tmp_path: Path):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(DataError, match=sentence):
        ask(tmp_path / "own.csv")


# --- parquet -----------------------------------------------------------------------------------------------
def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def write_parquet(file: Path, x: np.ndarray, y, spoil: int | None = None, plain: bool = False) -> None:
    bytes_ = [png(pixels) for pixels in x]
    if spoil is not None:
        bytes_[spoil] = bytes_[spoil][:30]
    images = bytes_ if plain else [{"bytes": content, "path": None} for content in bytes_]
    names = {"label": {"names": ["a", "b", "c", "d"], "_type": "ClassLabel"}}
    table = pa.table({"image": images, "label": list(y), "id": list(range(len(x)))})
    about = {b"huggingface": json.dumps({"info": {"features": names}}).encode()}
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata(about), file)


@pytest.mark.parametrize("plain", [False, True])
def test_parquet_as_the_hub_keeps_it(plain: bool, tmp_path: Path):
    write_parquet(tmp_path / "data" / "train-00000-of-00002.parquet", X[:12], Y[:12].tolist(), plain=plain)
    write_parquet(tmp_path / "data" / "train-00001-of-00002.parquet", X[12:], Y[12:].tolist(), plain=plain)
    write_parquet(tmp_path / "data" / "test-00000-of-00001.parquet", X_TEST, Y_TEST.tolist(), plain=plain)
    found = same(tmp_path)
    assert found.classes == ("a", "b", "c", "d")
    assert [left.file for left in found.left_out] == ["column id"]


def test_parquet_with_names_as_labels_and_a_damaged_image(tmp_path: Path):
    write_parquet(tmp_path / "own.parquet", X, [f"class {y}" for y in Y], spoil=3)
    with pytest.raises(DataError, match="own.parquet row 4 is no readable image.*--skip-bad"):
        ask(tmp_path / "own.parquet")
    found, dataset = ask(tmp_path / "own.parquet", skip_bad=True)
    assert dataset is not None
    assert sum(found.parts.values()) == 19
    assert found.classes[0] == "class 0"
    assert "own.parquet row 4" in {left.file for left in found.left_out}


def test_parquet_that_is_none_or_holds_no_images(tmp_path: Path):
    (tmp_path / "own.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="no readable parquet"):
        ask(tmp_path / "own.parquet")
    pq.write_table(pa.table({"text": ["a", "b"], "label": [0, 1]}), tmp_path / "own.parquet")
    with pytest.raises(DataError, match="has no image column: its columns are text, label"):
        ask(tmp_path / "own.parquet")


# --- CIFAR ---------------------------------------------------------------------------------------------------
BATCH = RNG.integers(0, 256, (20, 3072), dtype=np.uint8)


def write_cifar(folder: Path, protocol: int = 2) -> Path:
    folder.mkdir(parents=True)
    for i in range(1, 3):
        content = {b"data": BATCH[i * 6 : i * 6 + 6], b"labels": [0, 1, 2, 0, 1, 2], b"filenames": [b"x"] * 6}
        (folder / f"data_batch_{i}").write_bytes(pickle.dumps(content, protocol))
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": BATCH[:3], b"labels": [0, 1, 2]}, protocol))
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"plane", b"car", b"bird"]}, protocol))
    return folder


@pytest.mark.parametrize("protocol", range(6))
def test_batches_of_cifar(protocol: int, tmp_path: Path):
    write_cifar(tmp_path / "cifar-10-batches-py", protocol)
    found, dataset = ask(tmp_path)
    assert dataset is not None
    assert found.classes == ("plane", "car", "bird")
    assert found.parts == {"train": 12, "test": 3, "validation": 0}
    assert np.array_equal(dataset.train.x[0].ravel(), BATCH[6])


class Calls:
    """A pickle that calls something when it is read."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def raw(module: str, name: str, arguments: bytes = b"(tR.") -> bytes:
    return b"c" + f"{module}\n{name}\n".encode() + arguments


CALLS = {
    "system": lambda flag: Calls(os.system, f"touch {flag}"),
    "eval": lambda flag: Calls(builtins.eval, f"open({flag!r}, 'w')"),
    "open": lambda flag: Calls(builtins.open, flag, "w"),
    "getattr": lambda flag: Calls(getattr, "", "join"),
    "numpy save": lambda flag: Calls(np.save, flag, 1),
    "numpy fromfile": lambda flag: Calls(np.fromfile, __file__),
    "an iterator": lambda flag: Calls(map, len, ["x"]),
    "a class": Path,
    "a set": lambda flag: frozenset((1, 2)),
}
HOSTILE = {
    "an array asked for": raw("numpy", "ndarray", b"((I1000000000000\nttR."),
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "objects": pickle.dumps({b"data": np.array([{}, []], dtype=object), b"labels": [0, 1]}),
    "records": pickle.dumps({b"data": np.zeros(3, [("a", "u1")]), b"labels": [0]}),
    "state for a function": raw("numpy", "dtype", b"}S'__call__'\nI1\nsb."),
    "persistent": b"Pabc\n.",
    "extension": b"\x80\x02\x82\x01.",
    "inst": b"(S'touch nothing'\nios\nsystem\n.",
    "room for more than there is": b"\x80\x05\x96\xff\xff\xff\xff\x0f\0\0\0.",
}


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("kind", CALLS)
def test_a_pickle_that_calls_something_is_refused_before_it_does(kind: str, protocol: int, tmp_path: Path):
    flag = tmp_path / "done"
    content = pickle.dumps({b"data": CALLS[kind](str(flag)), b"labels": [0]}, protocol)
    with pytest.raises(DataError, match="asks for .*: only plain values and arrays are read"):
        plain_pickle.loads(content, "batch")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_do_nothing(kind: str):
    names = {key: call.name for key, call in plain_pickle.ALLOWED.items()}
    with pytest.raises(DataError, match="only plain values and arrays are read|no readable pickle"):
        plain_pickle.loads(HOSTILE[kind], "batch")
    assert {key: call.name for key, call in plain_pickle.ALLOWED.items()} == names, "a stand-in was changed"


def test_no_more_names_are_known_than_arrays_need():
    wanted = {"ndarray", "dtype", "_reconstruct", "_frombuffer", "encode"}
    assert {name for _, name in plain_pickle.ALLOWED} == wanted


def test_a_pickle_that_says_it_remembers_much_takes_no_memory_for_it():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert plain_pickle.loads(b"\x80\x02Nr\xff\xff\xff\x7f0}.", "batch") == {}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_values_without_end_are_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(DataError, match="values within values without end"):
        plain_pickle.loads(pickle.dumps(endless), "batch")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["u1", "<i4", ">i4", "f8"])
def test_plain_arrays_come_back_as_they_were(order: str, kind: str):
    array = np.asarray(RNG.integers(0, 99, (3, 4)), dtype=kind, order=order)
    for protocol in range(6):
        assert np.array_equal(plain_pickle.loads(pickle.dumps([array], protocol), "batch")[0], array)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({b"data": BATCH[:, :100], b"labels": [0]}, "no array `data`"),
        ({b"data": BATCH, b"labels": "x"}, "no list of labels"),
        ({b"data": BATCH, b"labels": [2**80] * 20}, "labels beyond all bounds"),
        ([1, 2], "holds no dictionary"),
    ],
)
def test_batches_that_are_none(content, sentence: str, tmp_path: Path):
    folder = write_cifar(tmp_path / "c")
    (folder / "data_batch_1").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=sentence):
        drive(load(DataConfig(name=str(folder)), root=tmp_path))
