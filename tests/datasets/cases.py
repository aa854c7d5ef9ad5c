"""Inputs drawn after public reports of what went wrong with people's data. All pixels are drawn here.

`draw(folder)` draws all of them; `tests/datasets/test_cases.py` says what each must be read as.
"""

import io
import os
import shutil
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Pixels = Callable[..., np.ndarray]


class Pen:
    """Draws noise of a given darkness and puts it where it is wanted."""

    def __init__(self, out: Path) -> None:
        self.out, self.rng = out, np.random.default_rng(20261126)

    def image(self, level: int = 0, h: int = 8, w: int = 8, c: int = 1) -> np.ndarray:
        noise = self.rng.integers(0, 256, (h, w) if c == 1 else (h, w, c))
        return np.clip(noise // 8 + level, 0, 255).astype(np.uint8)

    def put(self, path: str, pixels: np.ndarray | None = None, **how) -> None:
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.image() if pixels is None else pixels).save(target, **how)

    def folders(self, top: str, classes: dict[str, int], n: int, suffix: str = "png") -> None:
        for name, level in classes.items():
            for i in range(n):
                self.put(f"{top}/{name}/{i}.{suffix}", self.image(level))

    def npz(self, name: str, **arrays: np.ndarray) -> None:
        np.savez_compressed(self.out / name, **arrays)

    def two(self, n: int = 40, shape: tuple[int, ...] = (8, 8), classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % classes
        ground = (y * (190 // classes)).reshape(-1, *[1] * len(shape))
        return (self.rng.integers(0, 60, (n, *shape)) + ground).astype(np.uint8), y


def encoded(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def draw(out: Path) -> Path:
    """All cases below `out`; about 0.4 MB."""
    pen = Pen(out)
    for part in (_names, _layouts, _files, _zips, _arrays, _labels_and_shapes, _small_and_many):
        part(pen)
    return out


def _names(pen: Pen) -> None:
    pen.folders("letters", {"a": 0, "A": 40, "b": 80, "B": 120}, 8)
    x, y = pen.two(classes=4)
    pen.npz("letters.npz", x_train=x, y_train=np.array(["a", "A", "b", "B"])[y])
    pen.folders("circled", {"①": 0, "②": 100}, 6)
    x, y = pen.two()
    pen.npz("latin.npz", x_train=x, y_train=np.array(["café".encode("latin-1"), b"bar"])[y])
    pen.npz("named.npz", x_train=x, y_train=y, x_test=x[:10], y_test=y[:10], classes=np.array(["benign", "malignant"]))
    for label in range(2):  # a class folder renamed after the first look
        for i in range(6):
            pixels = np.full((8, 8), 30 + 100 * label + i, np.uint8)
            pen.put(f"before/{label}/{i}.png", pixels)
            pen.put(f"after/{('benign', 'malign')[label]}/{i}.png", pixels)


def _layouts(pen: Pen) -> None:
    for top in ("sessions", "sessions-train/train"):
        for name, level in (("cat", 0), ("dog", 120)):
            for session in ("monday", "tuesday"):
                for i in range(5):
                    pen.put(f"{top}/{name}/{session}/{i}.png", pen.image(level))
    for part, n in (("seg_train", 8), ("seg_test", 3)):
        pen.folders(f"scenes/{part}/{part}", {"forest": 0, "sea": 120}, n)
    for i in range(6):
        pen.put(f"scenes/seg_pred/seg_pred/{i}.png", pen.image(60))
    pen.folders("lacks/train", {"0": 0, "90": 60, "180": 120, "270": 180}, 6)
    pen.folders("lacks/test", {"0": 0, "90": 60, "270": 180}, 2)
    pen.folders("extra/train", {"a": 0, "b": 60, "c": 120}, 4)
    pen.folders("extra/test", {"b": 0, "c": 60, "d": 120}, 4)
    pen.folders("checkpoints", {"a": 0, "b": 100}, 6)
    for where in ("a/", "b/", ""):
        pen.put(f"checkpoints/{where}.ipynb_checkpoints/0-checkpoint.png", pen.image(50))
    pen.folders("vehicles", {"bus": 0, "car": 80, "train": 160}, 5)
    pen.folders("beside", {"a": 0, "b": 100}, 6)
    pen.put("beside/overview.png")
    pen.folders("flat-test/train", {"a": 0, "b": 100}, 6)
    pen.put("flat-test/test/1.png")
    for name in ("cat", "dog"):
        for i in range(5):
            pen.put(f"in-names/train/{name}.{i}.jpg", pen.image(50))
    for conv, parts in CONVENTIONS.items():
        for part, n in zip(parts, (6, 3, 2), strict=False):
            pen.folders(f"{conv}/{part}", {"cat": 0, "dog": 120}, n)


CONVENTIONS = {
    "training-testing": ("training", "testing"),
    "train-val": ("train", "val"),
    "train-test-valid": ("train", "test", "valid"),
    "Tr-Ts-Dev": ("Tr", "Ts", "Dev"),
    "trainingSet-testSet": ("trainingSet/trainingSet", "testSet/testSet"),
    "TRAIN-TEST-VALIDATION": ("TRAIN", "TEST", "VALIDATION"),
    "images-below": ("train/images", "test/images"),
    "set-names": ("training_set", "test_set", "validation_set"),
}


def _files(pen: Pen) -> None:
    for name, level in (("a", 250), ("b", 120)):  # the same picture stored upright, and turned with a tag
        pixels = np.zeros((12, 12), np.uint8)
        pixels[:, :4] = level
        tag = Image.Exif()
        tag[0x0112] = 6
        for i in range(4):
            pen.put(f"exif/{name}/up{i}.jpg", pixels, quality=95)
            pen.put(f"exif/{name}/tag{i}.jpg", np.rot90(pixels).copy(), quality=95, exif=tag)
    pen.folders("store", {"a": 0, "b": 80, "c": 160}, 6)
    for name in "ab":
        shutil.copytree(pen.out / "store" / name, pen.out / "links" / name)
    os.symlink("../store/c", pen.out / "links" / "c")
    for name, level in (("00000", 0), ("00001", 100)):
        for i in range(6):
            pen.put(f"signs/{name}/{i:05}.ppm", pen.image(level, c=3))
        (pen.out / f"signs/{name}/GT-{name}.csv").write_text("Filename;ClassId\n")
    for k, name in enumerate("ab"):  # 12 bits in 16: the high byte is constant
        for i in range(6):
            _png16(pen.out / f"deep/{name}/{i}.png", pen.rng.integers(0, 256, (8, 8, 3)) + 768 * k)


def _png16(path: Path, pixels: np.ndarray) -> None:
    """48-bit RGB, which Pillow does not write."""
    h, w, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", w, h, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _zips(pen: Pen) -> None:
    with zipfile.ZipFile(pen.out / "accents.zip", "w") as archive:
        for part, n, form in (("train", 6, "NFC"), ("test", 3, "NFD")):
            for i in range(n):
                archive.writestr(f"{part}/{unicodedata.normalize(form, 'Müll')}/{i}.png", encoded(pen.image(20)))
                archive.writestr(f"{part}/glas/{i}.png", encoded(pen.image(150)))
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for i in range(6):
            archive.writestr(f"@@@@/{i}.png", encoded(pen.image(20)))
            archive.writestr(f"####/{i}.png", encoded(pen.image(150)))
    content = raw.getvalue().replace(b"@@@@", "小猫".encode("gbk")).replace(b"####", "小狗".encode("gbk"))
    (pen.out / "gbk.zip").write_bytes(content)
    x, y = pen.two()
    pen.npz("mnist-like.npz", x_train=x, y_train=y)
    with zipfile.ZipFile(pen.out / "archive.zip", "w") as archive:
        archive.write(pen.out / "mnist-like.npz", "mnist.npz")
    with zipfile.ZipFile(pen.out / "zip-in-zip.zip", "w") as archive:
        archive.write(pen.out / "accents.zip", "accents.zip")


def _arrays(pen: Pen) -> None:
    x, y = pen.two()
    floats = (x / np.float32(255)).astype(np.float32)
    floats[0, 0, 0] = np.float32(1) + np.float32(2**-23)
    pen.npz("over.npz", x_train=floats, y_train=y)
    pen.npz("kinds.npz", x_train=x.astype(np.float32) / 255, y_train=y, x_test=x[:10], y_test=y[:10])
    base = pen.rng.integers(0, 256, (4, 8, 8), dtype=np.uint8)
    y = np.repeat([0, 1], 249)
    pick = np.arange(498) % 2 + 2 * y
    pen.npz("twins.npz", x_train=base[pick], y_train=y, x_test=base, y_test=np.array([0, 0, 1, 1]))
    n = np.arange(60)
    x = pen.rng.integers(0, 256, (60, 8, 8)) * (pen.rng.random((60, 8, 8)) > 0.9) * (n % 3 > 0)[:, None, None]
    x, y = x.astype(np.uint8), n % 2
    pen.npz("black.npz", x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])


def _labels_and_shapes(pen: Pen) -> None:
    for name, shape in (("4x4", (4, 4)), ("5x3", (5, 3)), ("1x16", (1, 16)), ("12x12", (12, 12)), ("6x20", (6, 20))):
        x, y = pen.two(60, shape, 3)
        pen.npz(f"{name}.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:], y_test=y[45:])
    x, y = pen.two()
    labels = {
        "38": np.array([3, 8])[y],
        "pm": np.array([-1, 1])[y],
        "bool": y.astype(bool),
        "u64": y.astype(np.uint64) + np.uint64(2**63),
        "float": y.astype(np.float32),
        "texts": np.array(["1.0", "0.0"])[y],
    }
    for name, label in labels.items():
        pen.npz(f"labels-{name}.npz", x_train=x, y_train=label)
    pen.npz("hwcn.npz", x_train=pen.rng.integers(0, 256, (8, 8, 3, 40), dtype=np.uint8), y_train=y)
    pen.npz("rgba.npz", x_train=pen.rng.integers(0, 256, (40, 8, 8, 4), dtype=np.uint8), y_train=y)
    pen.npz("int8.npz", x_train=pen.rng.integers(-128, 128, (40, 8, 8)).astype(np.int8), y_train=y)
    pen.npz("3x3.npz", x_train=pen.rng.integers(0, 256, (40, 3, 32, 3), dtype=np.uint8), y_train=y)
    pen.npz("fortran.npz", x_train=np.asfortranarray(x.astype(">u2")), y_train=y.astype(">i8"))


def _small_and_many(pen: Pen) -> None:
    y, y_test = np.repeat([0, 1, 2], [20, 3, 1]), np.repeat([0, 1, 2], 6)
    x, x_test = (
        (pen.rng.integers(0, 60, (len(labels), 8, 8)) + 80 * labels[:, None, None]).astype(np.uint8)
        for labels in (y, y_test)
    )
    pen.npz("tail.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    x, y = pen.two(60, classes=3)
    kept = y[45:] < 2
    pen.npz("no-test.npz", x_train=x[:45], y_train=y[:45], x_test=x[45:][kept], y_test=y[45:][kept])
    y = np.arange(3000) % 1000
    base, noise = (pen.rng.integers(0, top, (n, 8, 8), dtype=np.uint8) for top, n in ((256, 1000), (16, 3000)))
    pen.npz("thousand.npz", x_train=base[y] ^ noise, y_train=y)
