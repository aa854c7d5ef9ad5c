"""Data sets in every form that is read, drawn at random with the truth beside them, and ways to damage their files.

`drawn(folder, seed)` writes one and says what is in it; `damaged(content, rng)` breaks bytes. The tests take a few
hundred of both, `benchmarks/wild_data.py` thousands.
"""

import gzip
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Rng = np.random.Generator
Parts = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Truth:
    """A source and what is in it: images (n, h, w) or (n, h, w, 3) and labels by part, the answer it needs, if any."""

    path: Path
    form: str
    parts: Parts
    range: str = ""
    shape: str = ""


def _parts(rng: Rng, low: int = 0, high: int = 255, rgb: bool = False, dtype: str = "u1") -> Parts:
    """Different images of two or three classes, one of them reaching both ends of the range."""
    side, classes = int(rng.integers(3, 7)), int(rng.integers(2, 4))
    chosen = [("train", 12)] + [("test", 6)] * int(rng.integers(0, 2)) + [("val", 5)] * int(rng.integers(0, 2))
    parts = {}
    for part, n in chosen:
        x = rng.integers(low, high + 1, (n, side, side, *([3] if rgb else []))).astype(dtype)
        x[0].flat[:2] = (low, high)
        parts[part] = (x, np.arange(n) % classes)
    return parts


def _png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


WORDS = {"train": ("train", "Training", "tr", "train_set"), "test": ("test", "TESTING", "ts", "test-images"),
         "val": ("val", "valid", "Validation", "dev")}  # fmt: skip


def _files(rng: Rng, parts: Parts, rgb: bool) -> dict[str, bytes]:
    kind, ending = [("PNG", "png"), ("BMP", "bmp"), ("TIFF", "tif"), ("PPM", "ppm" if rgb else "pgm")][rng.integers(4)]
    words = {part: str(rng.choice(WORDS[part])) for part in parts}
    top = "".join(f"{name}/" for name in ("my set", "データ")[: rng.integers(0, 3)])
    files = {f"{top}notes.txt": b"x"}
    for part, (x, y) in parts.items():
        for i, (pixels, label) in enumerate(zip(x, y, strict=True)):
            files[f"{top}{words[part]}/class {label}/{i}.{ending}"] = _png(pixels, kind)
    return files


def folder(out: Path, rng: Rng) -> Truth:
    rgb = bool(rng.integers(2))
    parts = _parts(rng, rgb=rgb)
    for name, content in _files(rng, parts, rgb).items():
        (out / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (out / "set" / name).write_bytes(content)
    return Truth(out / "set", "folder", parts)


def zipped(out: Path, rng: Rng) -> Truth:
    rgb = bool(rng.integers(2))
    parts = _parts(rng, rgb=rgb)
    with zipfile.ZipFile(out / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(rng, parts, rgb).items():
            archive.writestr(name, content)
    return Truth(out / "set.zip", "zip", parts)


RANGES = [("u1", 0, 255, ""), ("i8", 0, 255, ""), (">u2", 0, 255, ""), ("u1", 0, 16, "0:16"), ("u1", 0, 1, "0:1"),
          ("i1", -128, 127, "-128:127"), ("u2", 0, 4095, "0:4095"), ("u2", 0, 65535, "0:65535"), 
          ("f4", 0, 255, "0:255"), ("f8", -1, 1, "-1:1"), ("f4", 0, 1, "")]  # fmt: skip
NAMES = [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("X_{}", "Y_{}"), ("{}_data", "{}_targets")]


def npz(out: Path, rng: Rng) -> Truth:
    dtype, low, high, answer = RANGES[rng.integers(len(RANGES))]
    rgb = bool(rng.integers(2))
    parts = _parts(rng, low, high, rgb, dtype)
    x_name, y_name = NAMES[rng.integers(len(NAMES))]
    arrays: dict[str, Any] = {"extra": np.arange(3)}
    for part, (x, y) in parts.items():
        stored = x.transpose(0, 3, 1, 2) if rgb and rng.integers(2) else x
        labels = y[:, None] if rng.integers(2) else y
        arrays |= {
            x_name.format(part): np.asarray(stored, order="F" if rng.integers(2) else "C"),
            y_name.format(part): labels,
        }
    np.savez_compressed(out / "set.npz", **arrays)
    return Truth(out / "set.npz", "npz", parts, answer)


def npy(out: Path, rng: Rng) -> Truth:
    parts = _parts(rng)
    (out / "set").mkdir()
    for part, (x, y) in parts.items():
        np.save(out / "set" / f"x_{part}.npy", x)
        np.save(out / "set" / f"y_{part}.npy", y)
    return Truth(out / "set", "npy", parts)


def idx(out: Path, rng: Rng) -> Truth:
    parts = {part: found for part, found in _parts(rng).items() if part != "val"}
    packed = bool(rng.integers(2))
    (out / "raw").mkdir()
    for part, (x, y) in parts.items():
        for what, array in (("images", x), ("labels", y.astype("u1"))):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            name = f"{'t10k' if part == 'test' else part}-{what}-idx{array.ndim}-ubyte{'.gz' if packed else ''}"
            content = head + array.tobytes()
            (out / "raw" / name).write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return Truth(out, "idx", parts)


def table(out: Path, rng: Rng) -> Truth:
    parts = _parts(rng)
    side = parts["train"][0].shape[1]
    head = ",".join(["split", "label", *(f"pixel{i}" for i in range(side * side))])
    rows = [
        ",".join(map(str, [part, label, *pixels.ravel()]))
        for part, (x, y) in parts.items() for pixels, label in zip(x, y, strict=True)
    ]  # fmt: skip
    (out / "set.csv").write_text("\n".join([head, *rows]) + "\n")
    return Truth(out / "set.csv", "csv", parts)


def parquet(out: Path, rng: Rng) -> Truth:
    parts = _parts(rng, rgb=bool(rng.integers(2)))
    for part, (x, y) in parts.items():
        images = [{"bytes": _png(pixels), "path": None} for pixels in x]
        names = {"info": {"features": {"label": {"names": list("abc")[: y.max() + 1]}}}}
        found = pa.table({"image": images, "label": y.tolist()})
        name = "validation" if part == "val" else part
        about = {b"huggingface": json.dumps(names).encode()}
        pq.write_table(found.replace_schema_metadata(about), out / f"{name}-00000-of-00001.parquet")
    return Truth(out, "parquet", parts)


def cifar(out: Path, rng: Rng) -> Truth:
    parts: Parts = {}
    for part, name in (("train", "data_batch_1"), ("test", "test_batch")):
        x, y = rng.integers(0, 256, (8, 3072), dtype=np.uint8), np.arange(8) % 2
        content = {b"data": x, b"labels": y.tolist()}
        (out / name).write_bytes(pickle.dumps(content, int(rng.integers(0, 6))))
        parts[part] = (x.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), y)
    (out / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"a", b"b"]}, 2))
    return Truth(out, "cifar", parts)


FORMS: tuple[Callable[[Path, Rng], Truth], ...] = (folder, zipped, npz, npy, idx, table, parquet, cifar)


def drawn(out: Path, seed: int) -> Truth:
    """A data set in the form that the seed chooses, below an empty folder."""
    out.mkdir(parents=True)
    return FORMS[seed % len(FORMS)](out, np.random.default_rng(seed))


def damaged(content: bytes, rng: Rng) -> bytes:
    """The bytes with a few of them flipped, missing, doubled or moved."""
    broken = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at, length = int(rng.integers(0, max(1, len(broken)))), int(rng.integers(1, 40))
        match rng.integers(6):
            case 0:
                broken = broken[:at]
            case 1:
                broken[at : at + length] = b""
            case 2:
                broken[at:at] = rng.bytes(length)
            case 3:
                broken[at : at + length] = b"\xff" * length
            case 4:
                broken[at:at] = broken[at : at + length]
            case _ if len(broken):
                broken[min(at, len(broken) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(broken)


def files_of(truth: Truth) -> list[Path]:
    """The files that hold it, in a fixed order."""
    return [truth.path] if truth.path.is_file() else sorted(path for path in truth.path.rglob("*") if path.is_file())


CHECKED = ("zip", "npz")  # forms whose every byte of pixels is covered by a checksum
