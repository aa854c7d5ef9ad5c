"""Class folders that somebody brings, as a folder or a zip: train/<class>/*.png, test/<class>/*.png, or <class>/*.png.

Files come sorted by class; everything that takes "the first n" later shuffles. Cost: about 3,000 small PNGs a second.
"""

import io
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.datasets import tree
from core.datasets.arrays import Raw, natural
from core.errors import DataError
from core.events import Progress, Work

PULSE_S = 0.3
MOST_SIDE = 4096
LAYOUT = "train/<class>/*.png and test/<class>/*.png, or <class>/*.png"
MODES = {"1": "L", "L": "L", "LA": "L", "RGB": "RGB", "RGBA": "RGB", "P": "RGB"}


def read_folder(path: Path, resize: int | None) -> Work[Raw]:
    """Images of a folder of class folders as arrays, with class names."""
    return (yield from _read(tree.of_folder(path), path, resize))


def read_zip(path: Path, resize: int | None) -> Work[Raw]:
    """Images of a zip of class folders as arrays, with class names; nothing is unpacked to disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            return (yield from _read(tree.of_zip(archive, path.name), path, resize))
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DataError(f"{path.name} is no readable zip: {error}; is it complete?") from None


def _read(entries: Sequence[tree.Entry], path: Path, resize: int | None) -> Work[Raw]:
    if not entries:
        raise DataError(f"{path.name} holds no images ({', '.join(tree.SUFFIXES)}): expected {LAYOUT}")
    places = [_place(entry, path) for entry in entries]
    parts, names = {part for part, _ in places}, sorted({name for _, name in places}, key=natural)
    if parts == {"test"}:
        raise DataError(f"{path.name} has test images only: expected {LAYOUT}")
    images, last = [], 0.0
    for done, entry in enumerate(entries):
        images.append(_decode(entry, resize))
        if time.monotonic() - last > PULSE_S:
            last = time.monotonic()
            yield Progress(stage="load", done=done + 1, total=len(entries), unit="images", note="reading images")
    _check_alike(entries, images)
    stacked = np.stack(images)
    arrays = {}
    for part in sorted(parts):
        rows = [i for i, place in enumerate(places) if place[0] == part]
        arrays[f"x_{part}"] = stacked[rows]
        arrays[f"y_{part}"] = np.array([places[i][1] for i in rows])
    notes = (f"images were resized to {resize}×{resize} pixels",) if resize else ()
    return Raw(name=path.stem, source=str(path), arrays=arrays, classes=tuple(names), notes=notes)


def _place(entry: tree.Entry, path: Path) -> tuple[str, str]:
    """Which part and class a file belongs to, by the folders above it."""
    folders = entry.path.parts[:-1]
    lower = [folder.lower() for folder in folders]
    for part in ("train", "test"):
        if part in lower[:-1]:
            return part, folders[lower.index(part) + 1]
    if not folders or lower[-1] in ("train", "test"):
        raise DataError(f"{entry.path} in {path.name} is in no class folder: expected {LAYOUT}")
    return "train", folders[-1]


def _decode(entry: tree.Entry, resize: int | None) -> np.ndarray:
    """(c, h, w) uint8 of one file."""
    try:
        with Image.open(io.BytesIO(entry.read())) as image:
            if max(image.size) > MOST_SIDE:
                raise DataError(f"{entry.path} has {image.size[0]}×{image.size[1]} pixels, at most {MOST_SIDE} a side")
            if image.mode not in MODES:
                raise DataError(f"{entry.path} has pixel mode {image.mode}, expected 8-bit grey or RGB: convert it")
            pixels = image.convert(MODES[image.mode])
    except (UnidentifiedImageError, OSError, SyntaxError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.path} is no readable image: {error}; remove or replace it") from None
    if resize:
        pixels = pixels.resize((resize, resize), Image.Resampling.BILINEAR)
    array = np.asarray(pixels)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def _check_alike(entries: Sequence[tree.Entry], images: Sequence[np.ndarray]) -> None:
    first = images[0].shape
    for entry, image in zip(entries, images, strict=True):
        if image.shape[0] != first[0]:
            kinds = {1: "grey", 3: "RGB"}
            raise DataError(
                f"grey and RGB images are mixed: {entries[0].path} is {kinds[first[0]]}, {entry.path} is "
                f"{kinds[image.shape[0]]}; convert them to one kind"
            )
        if image.shape != first:
            raise DataError(
                f"images differ in size: {entries[0].path} has {first[2]}×{first[1]} pixels, {entry.path} has "
                f"{image.shape[2]}×{image.shape[1]}; set resize to bring all to one side"
            )
