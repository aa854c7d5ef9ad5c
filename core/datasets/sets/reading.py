"""Read a condensed set in any form in which it is published, for one data set: `.pt`, `.npz`, class folders, a zip.

Nothing is decided silently: what the file holds, how its labels were taken and how its values were read is told, and
a question about black and white comes back as a question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.arrays import shaped
from core.datasets.found import Array, Found
from core.datasets.readers import folder, npz
from core.datasets.sets import labels as labelling
from core.datasets.sets import pixels, torch_file
from core.datasets.sets.content import Content, chosen
from core.engine import artifacts
from core.errors import DataError
from core.events import Work
from core.types import DataConfig, Origin

FORMS = ".pt, .pth, .npz, .zip or a folder of class folders"
SHOWN = 400  # images of a mosaic


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a set must fit: name, classes and shape of a data set, with mean and deviation of its train split."""

    data: str
    classes: Sequence[str]
    shape: tuple[int, int, int]
    statistics: pixels.Statistics


@dataclass(frozen=True, kw_only=True, eq=False)
class Brought:
    """A set that was read, and everything that was decided about it; a set only once `pixels.told` asks nothing more.

    layout  what the file is, in words
    sets    how many sets the file holds
    origin  the data set that the file itself names; blank for most
    method  what made it, as far as the file says
    """

    pixels: pixels.Pixels
    y: np.ndarray[tuple[int], np.dtype[np.int64]]
    soft: Array | None
    layout: str
    sets: int
    origin: Origin
    method: str
    notes: tuple[str, ...]


def read(path: Path, target: Target, *, number: int, asked: str, clip: bool) -> Work[Brought]:
    """Read a file or folder.

    number  which of several sets, counted from 1
    asked   black and white as `--set-range` takes them, or ""
    raises  DataError, one sentence, for what is damaged, of another kind, or made for other images or classes
    """
    suffix = path.suffix.lower()
    if suffix in torch_file.SUFFIXES:
        found = chosen(_with_labels(path), number, path.name)
    elif suffix == ".npz" and _is_ours(path):
        return _ours(path, target)
    elif suffix == ".npz":
        found = _content((yield from npz.read(path, DataConfig(name=str(path)))), number)
    elif suffix == ".zip" or path.is_dir():
        found = _content((yield from folder.read(path, DataConfig(name=str(path)))), number)
    else:
        raise DataError(f"{path.name} is no form of a condensed set that is read: expected {FORMS}")
    images = _fitting(found, target, path.name)
    labels = labelling.understand(found.labels, target.classes, path.name)
    told = pixels.understand(images, asked, clip, data=target.data, own=target.statistics, name=path.name)
    return Brought(
        pixels=told, y=labels.y, soft=labels.soft, layout=found.layout, sets=found.sets, origin=Origin(),
        method="", notes=(*found.notes, *labels.notes, *_clipped(told, path.name)),
    )  # fmt: skip


def _clipped(found: pixels.Pixels, name: str) -> tuple[str, ...]:
    if found.told.needs_answer or not found.outside:
        return ()
    return (
        f"{found.outside:.2%} of the values of {name} lay beyond black or white, by up to {found.furthest:.3g}, and "
        "were brought to the ends, as asked",
    )


def _with_labels(path: Path) -> Any:
    """What a file of torch.save holds; of a pair images_….pt and labels_….pt both."""
    content = torch_file.load(path)
    beside = path.with_name(path.name.replace("images", "labels"))
    if isinstance(content, np.ndarray) and beside != path and beside.is_file():
        return [content, torch_file.load(beside)]
    return content


def _is_ours(path: Path) -> bool:
    return {"x", "y", "meta"} <= set(artifacts.load_arrays(path))


def _ours(path: Path, target: Target) -> Brought:
    """A set that this project wrote; its pixels need no question, and it says what it was made from."""
    found = artifacts.load_condensed(path)
    if found.n_classes != len(target.classes):
        raise DataError(f"{path.name} is of {found.n_classes} classes, the data set has {len(target.classes)}")
    content = Content(images=found.x, labels=found.y, layout="a condensed set of Ballast")
    images = _fitting(content, target, path.name)
    own = labelling.understand(found.y, target.classes, path.name)
    told = pixels.understand(images, "0:1", False, data=target.data, own=target.statistics, name=path.name)
    return Brought(
        pixels=told, y=own.y, soft=found.soft_labels, layout=content.layout, sets=1, origin=found.origin,
        method=found.method, notes=(),
    )  # fmt: skip


def _content(found: Found, number: int) -> Content:
    """Arrays or class folders as a set: one part only, since a condensed set has no test images."""
    if number != 1:
        raise DataError(f"{found.name} holds one set, there is no {number}: leave --number out")
    if len(found.x) > 1:
        raise DataError(
            f"{found.name} has {' and '.join(found.x)} images, a condensed set has one part: give that one alone"
        )
    (images,), (labels,) = found.x.values(), found.y.values()
    left = [f"{one.file} is left out: {one.why}" for one in found.left_out[:3]]
    if len(images) != len(labels):
        raise DataError(f"{found.name} has {len(images)} images and {len(labels)} labels: one each is needed")
    if found.classes and labels.dtype.kind in "iu" and labels.ndim == 1 and len(labels):
        if labels.min() < 0 or labels.max() >= len(found.classes):
            raise DataError(f"{found.name} names {len(found.classes)} classes, its labels reach to {labels.max()}")
        labels = np.array(found.classes)[labels]
    return Content(images=images, labels=labels, layout=found.layout, notes=(*found.notes, *left))


def _fitting(found: Content, target: Target, name: str) -> Array:
    """Images as (n, c, h, w) of the size and channels of the data set.

    raises  DataError for others
    """
    images, (channels, height, width) = found.images, target.shape
    if not len(images) or not images.size:
        raise DataError(f"{name} has no images")
    if images.ndim == 2 and channels == 1 and images.shape[1] == height * width:
        images = images.reshape(len(images), 1, height, width)
    images = shaped(images, f"images of {name}", "", "channels first" if images.shape[1:] == target.shape else "")
    if images.shape[1:] != target.shape:
        size, wanted = ("×".join(map(str, s)) for s in (images.shape[1:], target.shape))
        raise DataError(
            f"{name} has {size} images, {target.data} has {wanted}: choose the data set it was "
            "made from, with its --resize"
        )
    return images
