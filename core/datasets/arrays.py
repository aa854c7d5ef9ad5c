"""From anybody's arrays to a Dataset, or one sentence that says why not.

Everything that is brought from outside passes through `assemble`: shapes, value ranges, labels, empty classes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.datasets.split import stratified
from core.errors import DataError
from core.types import Dataset, TestSplit, TrainSplit

TEST_SHARE = 0.2
SHAPES = "(n, h, w), (n, h, w, c) or (n, c, h, w) with c = 1 or 3, or (n, 2) points"


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """What was found, before it is checked.

    arrays   x_train, y_train and perhaps x_test, y_test
    classes  names by label when they are known, else empty
    notes    sentences for the reader
    """

    name: str
    source: str
    arrays: Mapping[str, np.ndarray]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def assemble(raw: Raw, *, seed: int) -> Dataset:
    """Check arrays and make a data set of them; without a test part a stratified fifth is set apart.

    raises  DataError naming the first thing that is wrong
    """
    arrays, notes = dict(raw.arrays), list(raw.notes)
    for name in ("x_train", "y_train"):
        if name not in arrays:
            raise DataError(f"{raw.name} has no {name}, it has: {', '.join(arrays) or 'nothing'}; add it")
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DataError(f"{raw.name} has only one of x_test and y_test: give both, or none for a split of our own")
    images = {part: _images(arrays[f"x_{part}"], f"x_{part}") for part in ("train", "test") if f"x_{part}" in arrays}
    labels, classes = _labels({part: arrays[f"y_{part}"] for part in images}, raw.classes)
    for part, x in images.items():
        if len(x) != len(labels[part]):
            raise DataError(f"x_{part} has {len(x)} images and y_{part} {len(labels[part])} labels: one each is needed")
    _check_classes(labels, classes)
    if "test" not in images:
        train, test = stratified(labels["train"], TEST_SHARE, seed=seed)
        images = {"train": images["train"][train], "test": images["train"][test]}
        labels = {"train": labels["train"][train], "test": labels["train"][test]}
        notes.append(f"no test part was given: a stratified fifth, {len(test)} images, is set apart (seed {seed})")
    shapes, kinds = ({part: f(x) for part, x in images.items()} for f in (lambda x: x.shape[1:], lambda x: x.dtype))
    if shapes["train"] != shapes["test"] or kinds["train"] != kinds["test"]:
        raise DataError(
            f"train and test images differ: {shapes['train']} {kinds['train']} against {shapes['test']} "
            f"{kinds['test']}; bring them to one shape and type"
        )
    levels = 255 if kinds["train"] == np.uint8 else 0
    return Dataset(
        name=raw.name,
        train=TrainSplit(x=images["train"], y=labels["train"], levels=levels),
        test=TestSplit(x=images["test"], y=labels["test"], levels=levels),
        classes=classes,
        notes=tuple(notes),
        source=raw.source,
    )


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key that puts 2 before 10 and ignores case."""
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", name) if part]


def _images(x: np.ndarray, name: str) -> np.ndarray:
    """(n, c, h, w) uint8, or float32 in [0, 1]."""
    if x.ndim == 2 and x.shape[1] == 2:
        x = x[:, None, None, :]
    elif x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x = x.transpose(0, 3, 1, 2)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size:
        raise DataError(f"{name} must be {SHAPES}, got shape {x.shape}")
    if x.dtype.kind in "iu":
        low, high = int(x.min()), int(x.max())
        if low < 0 or high > 255:
            raise DataError(f"{name} must hold 8-bit values 0..255, got {low}..{high}: scale them, or give floats")
        return np.ascontiguousarray(x, dtype=np.uint8)
    if x.dtype.kind != "f":
        raise DataError(f"{name} must be uint8 or float, got {x.dtype}")
    if not np.isfinite(x).all():
        raise DataError(f"{name} holds NaN or infinite values in {int((~np.isfinite(x)).sum())} places: remove them")
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 1:
        raise DataError(f"{name} must lie in [0, 1] when it is float, got {low:.4g} to {high:.4g}: divide it by 255?")
    return np.ascontiguousarray(x, dtype=np.float32)


def _labels(found: Mapping[str, np.ndarray], classes: tuple[str, ...]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Labels as int64 0..C-1 for each part, with their names; class names become numbers."""
    flat = {part: y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y for part, y in found.items()}
    for part, y in flat.items():
        if y.ndim != 1 or y.dtype.kind not in "iuUS":
            raise DataError(f"y_{part} must be (n,) whole numbers or class names, got {y.shape} {y.dtype}")
    if any(y.dtype.kind in "US" for y in flat.values()):
        texts = {p: np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y.astype(str) for p, y in flat.items()}
        names = tuple(sorted({str(name) for name in texts["train"]}, key=natural))
        strange = {str(name) for y in texts.values() for name in y} - set(names)
        if strange:
            raise DataError(f"class {min(strange)!r} is in the test part only: each class needs train images")
        index = {name: label for label, name in enumerate(names)}
        return {p: np.array([index[str(name)] for name in y], np.int64) for p, y in texts.items()}, names
    labels = {part: y.astype(np.int64) for part, y in flat.items()}
    low, high = (int(f(np.concatenate(list(labels.values())))) for f in (np.min, np.max))
    if low < 0 or high > 10_000:
        raise DataError(f"labels must be 0..C-1, got {low}..{high}: number the classes from 0, or give class names")
    return labels, classes or tuple(str(label) for label in range(high + 1))


def _check_classes(labels: Mapping[str, np.ndarray], classes: tuple[str, ...]) -> None:
    counts = np.bincount(labels["train"], minlength=len(classes))
    if (counts > 0).sum() < 2:
        raise DataError("all train images are of one class: at least two classes are needed")
    if (counts == 0).any():
        empty = [classes[label] for label in np.flatnonzero(counts == 0)]
        raise DataError(
            f"labels must be 0..{len(classes) - 1} with images in each class; no train image of: {', '.join(empty[:5])}"
        )
