"""What an archive would grow to is known before anything of it is decoded."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import load
from core.engine import limits
from core.errors import DataError
from core.events import finish
from core.types import DataConfig


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def forged(path: Path, shape: tuple[int, ...]) -> Path:
    """An archive whose one array declares a shape and holds sixteen bytes."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", out.getvalue() + bytes(16))
    return path


def test_the_sum_is_that_of_the_arrays(tmp_path: Path):
    arrays = {"x": np.zeros((3, 5), np.float64), "y": np.zeros(7, np.uint8), "s": np.array("abc")}
    found = limits.arrays(npz(tmp_path / "a.npz", **arrays), "a.npz")
    assert found == sum(array.nbytes for array in arrays.values())


def test_a_stream_stays_where_it_was(tmp_path: Path):
    with npz(tmp_path / "a.npz", x=np.zeros(3)).open("rb") as file:
        file.seek(5)
        limits.arrays(file, "a.npz")
        assert file.tell() == 5


@pytest.mark.parametrize("shape", [(400_000_000,), (1 << 40, 1 << 40), (10**6, 10**6)])
def test_an_array_that_declares_more_than_is_there_is_refused_unread(shape: tuple[int, ...], tmp_path: Path):
    with pytest.raises(DataError, match="declares .* bytes and the archive holds"):
        limits.arrays(forged(tmp_path / "forged.npz", shape), "forged.npz")


def test_well_packed_zeros_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = npz(tmp_path / "zeros.npz", x_train=np.zeros((50, 3, 1200, 1200), np.uint8), y_train=np.arange(50) % 2)
    monkeypatch.setattr(np, "load", lambda *args, **kwargs: pytest.fail("the archive was opened"))
    with pytest.raises(DataError, match="unpacks from .* at most 200 times"):
        finish(load(DataConfig(name=str(path)), root=tmp_path))


@pytest.mark.parametrize(
    ("decoded", "packed", "allowed"),
    [
        (limits.MOST_BYTES, limits.MOST_BYTES, True),
        (limits.MOST_BYTES + 1, limits.MOST_BYTES, False),
        (limits.SMALL_BYTES, 1, True),
        (limits.SMALL_BYTES + 1, 1, False),
        (limits.SMALL_BYTES * 2, limits.SMALL_BYTES * 2 // limits.MOST_RATIO, True),
    ],
)
def test_limits_are_where_they_are_said_to_be(decoded: int, packed: int, allowed: bool):
    if allowed:
        limits.refuse("a.zip", decoded=decoded, packed=packed)
    else:
        with pytest.raises(DataError, match="a.zip unpacks"):
            limits.refuse("a.zip", decoded=decoded, packed=packed)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all" * 9])
def test_damage_is_one_sentence(content: bytes):
    with pytest.raises(DataError, match="no readable .npz archive"):
        limits.arrays(io.BytesIO(content), "broken.npz")


def test_a_pile_of_large_black_images_is_refused_by_its_headers(tmp_path: Path):
    png, path = io.BytesIO(), tmp_path / "black.zip"
    Image.new("RGB", (2048, 2048)).save(png, "png")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"train/{number % 2}/{number}.png", png.getvalue())
    with pytest.raises(DataError, match="black.zip unpacks from .* MB to 252 MB"):
        finish(load(DataConfig(name=str(path)), root=tmp_path))
