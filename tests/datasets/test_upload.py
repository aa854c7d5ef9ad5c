"""What a browser sends is stored whole, once, beside whatever has the same name, or refused in one sentence."""

import gzip
import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core.datasets import save_upload, understand, upload
from core.errors import DataError
from core.events import drive
from core.types import DataConfig


def archive(text: str = "content", size: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", text * size)
    return out.getvalue()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a b.NPZ", "a_b.npz"), ("../../etc/x.zip", "x.zip"), ("C:\\me\\y.npz", "y.npz"),
        ("n" * 300 + ".npz", "n" * 80 + ".npz"), ("![](http:x).zip", "_http_x_.zip"),
    ],
)  # fmt: skip
def test_uploads_get_a_safe_name_below_their_hash(name: str, stored: str, tmp_path: Path):
    path = save_upload(name, io.BytesIO(archive()), tmp_path / "data")
    assert path.parent.parent == tmp_path / "data" and len(path.parent.name) == 32
    assert path.name == stored and path.read_bytes() == archive()
    assert files(tmp_path) == [path]


@pytest.mark.parametrize("name", ["model.pkl", "x", ".npz", "images.tar.gz"])
def test_other_uploads_are_refused(name: str, tmp_path: Path):
    with pytest.raises(DataError, match="is none of .npz, .zip, .parquet, .csv"):
        save_upload(name, io.BytesIO(archive()), tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("t10k-images-idx3-ubyte.gz", "keeps images and labels apart: choose all files of the set at once"),
        ("X_train.npy", "one array, and a data set has images and labels"),
        ("data_batch_1", "one batch of several"),
        ("train-00000-of-00002.parquet", "one of 2 files that belong together: choose all"),
        ("published.PT", "a condensed set is brought in the Lab"),
    ],
)
def test_what_is_no_data_set_by_itself_says_what_to_do(name: str, advice: str, tmp_path: Path):
    with pytest.raises(DataError, match=advice):
        save_upload(name, io.BytesIO(b"anything"), tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "parquet"])
def test_a_table_that_was_uploaded_is_read_like_one_at_a_path(form: str, tmp_path: Path):
    x, y = np.arange(160).reshape(40, 4) % 256, np.arange(40) % 2
    if form == "parquet":
        pictures = []
        for row in x.astype(np.uint8).reshape(-1, 2, 2):
            out = io.BytesIO()
            Image.fromarray(row).save(out, "PNG")
            pictures.append({"bytes": out.getvalue(), "path": None})
        sink = io.BytesIO()
        pq.write_table(pa.table({"image": pictures, "label": y}), sink)
        content = sink.getvalue()
    else:
        mark = "\t" if form == "tsv" else ","
        rows = ["label pixel0 pixel1 pixel2 pixel3".replace(" ", mark)]
        rows += [mark.join(map(str, (label, *row))) for row, label in zip(x, y, strict=True)]
        text = "\n".join(rows).encode()
        content = gzip.compress(text) if form.endswith(".gz") else text
    path = save_upload(f"Mine.{form.upper()}", io.BytesIO(content), tmp_path / "data")
    assert path.name == f"Mine.{form}"
    _, dataset = drive(understand(DataConfig(name=str(path)), root=tmp_path))
    assert dataset is not None and len(dataset.train) + len(dataset.test) == 40
    assert dataset.train.shape == (1, 2, 2)


@pytest.mark.parametrize("content", [b"", b"MZ", b"PK\x03\x04 cut off", archive()[:-9]])
def test_what_is_no_archive_is_refused_and_leaves_nothing(content: bytes, tmp_path: Path):
    with pytest.raises(DataError, match="x.npz is no readable archive"):
        save_upload("x.npz", io.BytesIO(content), tmp_path)
    assert files(tmp_path) == []


def test_a_second_file_of_the_same_name_replaces_nothing(tmp_path: Path):
    one, two = archive("first"), archive("second")
    first = save_upload("own.npz", io.BytesIO(one), tmp_path)
    second = save_upload("own.npz", io.BytesIO(two), tmp_path)
    assert first.name == second.name and first.read_bytes() == one
    assert second.read_bytes() == two


def test_equal_content_is_stored_once_under_all_its_names(tmp_path: Path):
    content = archive()  # once: an archive holds the time at which it was made
    first = save_upload("a.npz", io.BytesIO(content), tmp_path)
    again = save_upload("a.npz", io.BytesIO(content), tmp_path)
    other = save_upload("b.npz", io.BytesIO(content), tmp_path)
    assert first == again != other
    assert first.stat().st_ino == other.stat().st_ino and len(files(tmp_path)) == 2


def test_many_at_once_with_one_name_are_all_whole(tmp_path: Path):
    """Each sends its blocks in turn with the others, which mixed them when they shared a temporary name."""
    contents = [archive(letter, 3 * upload.BLOCK) for letter in "abcd"]
    gate, found = threading.Barrier(len(contents)), {}

    class InTurn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            gate.wait(timeout=30)
            return super().read(size)

    def send(content: bytes) -> None:
        found[content] = save_upload("same.npz", InTurn(content), tmp_path)

    threads = [threading.Thread(target=send, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == len(contents)
    assert all(path.read_bytes() == content for content, path in found.items())
    assert len(files(tmp_path)) == len(contents)


def test_too_large_is_refused_before_it_is_all_read(tmp_path: Path):
    file = io.BytesIO(archive("x", 5_000_000))
    with pytest.raises(DataError, match="larger than 2 MB"):
        save_upload("large.npz", file, tmp_path, most=2_000_000)
    assert file.tell() < 4_000_000 and files(tmp_path) == []


def test_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path):
    class Full(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="disk is full"):
        save_upload("x.npz", Full(), tmp_path)
    assert files(tmp_path) == []


@pytest.mark.parametrize("ending", [".csv", ".tsv.gz", ".parquet"])
def test_equal_tables_of_two_names_are_no_neighbours(ending: str, tmp_path: Path):
    """A reader of such files takes those beside them too."""
    one, other = (save_upload(f"{name}{ending}", io.BytesIO(b"1,2"), tmp_path) for name in ("train", "test"))
    assert one.parent != other.parent and one.read_bytes() == other.read_bytes() == b"1,2"
    assert save_upload(f"train{ending}", io.BytesIO(b"1,2"), tmp_path) == one
