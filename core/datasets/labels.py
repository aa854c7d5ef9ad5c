"""Labels of any usual form as numbers 0..C-1 with a name for each; what is ambiguous is refused, nothing is shifted.

Numbers from 1 are named by what they are, so a model's "3" is the source's 3 whatever its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.datasets.found import Array, Found, Part
from core.datasets.names import listed, ordered, spelled
from core.errors import DataError

MOST = 10_000  # label


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """Labels (n,) int64 by part, names by label, and what was decided."""

    y: Mapping[Part, np.ndarray[tuple[int], np.dtype[np.int64]]]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def understand(found: Found, parts: Mapping[Part, Array]) -> Labels:
    """Labels of the parts that are used.

    raises  DataError naming the first thing that is wrong
    """
    notes: list[str] = []
    flat = {part: _flat(y, found.labels(part), notes) for part, y in parts.items()}
    for part, y in flat.items():
        if y.ndim != 1 or y.dtype.kind not in "iuUS":
            raise DataError(
                f"{found.labels(part)} must be (n,) whole numbers or class names, got {y.shape} {parts[part].dtype}"
            )
    if any(y.dtype.kind in "US" for y in flat.values()):
        return _of_names({part: _texts(y, found.labels(part)) for part, y in flat.items()}, found, notes)
    return _of_numbers(flat, found, notes)


def _flat(y: Array, name: str, notes: list[str]) -> Array:
    """Labels as one value an image where they are (n, 1), one-hot or whole floats."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf" and y.size and bool(((y == 0) | (y == 1)).all()):
        if not bool((y.sum(axis=1) == 1).all()):
            raise DataError(f"{name} looks one-hot but some rows have none or several ones: give one class an image")
        notes.append(f"{name} is one-hot, {y.shape[1]} columns: the column of the one is the label")
        return np.argmax(y, axis=1)
    return y.astype(np.int64) if _whole_floats(y) else y


def _whole_floats(y: Array) -> bool:
    if y.dtype.kind != "f" or y.ndim != 1 or not len(y) or not bool(np.isfinite(y).all()):
        return False
    return bool((y == np.rint(y)).all()) and float(np.abs(y).max()) <= MOST


def _texts(y: Array, name: str) -> list[str]:
    if y.dtype.kind != "S":
        return [spelled(str(text)) for text in y.tolist()]
    try:
        return [spelled(text.decode("utf-8")) for text in y.tolist()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} holds class names that are no UTF-8, {error.object!r} among them: save them as text"
        ) from None


def _of_names(texts: Mapping[Part, list[str]], found: Found, notes: list[str]) -> Labels:
    names = ordered(texts["train"])
    strange = ordered({name for part in texts.values() for name in part} - set(names))
    if strange:
        raise DataError(f"class {strange[0]!r} is in the test part only: each class needs train images")
    index = {name: label for label, name in enumerate(names)}
    shown = tuple(found.named.get(name, name) for name in names)
    if len(set(shown)) < len(shown):
        twice = next(name for name in shown if shown.count(name) > 1)
        raise DataError(f"two classes of {found.name} are called {twice!r}: give each a name of its own")
    return Labels(
        y={part: np.array([index[name] for name in names_], np.int64) for part, names_ in texts.items()},
        classes=shown, notes=tuple(notes),
    )  # fmt: skip


def _of_numbers(flat: Mapping[Part, Array], found: Found, notes: list[str]) -> Labels:
    low, high = (min(int(y.min()) for y in flat.values()), max(int(y.max()) for y in flat.values()))
    start = int(low == 1 and np.array_equal(np.unique(flat["train"]), np.arange(1, high + 1)))
    if low < 0 or high > MOST:
        raise DataError(f"labels must be 0..C-1, got {low}..{high}: number the classes from 0, or give class names")
    y = {part: values.astype(np.int64) - start for part, values in flat.items()}
    if start:
        notes.append(f"labels are numbered from 1 to {high}: each keeps its number as its name")
    count = high + 1 - start
    names = tuple(spelled(name) for name in found.classes)
    if names and len(names) < count:
        notes.append(f"{len(names)} class names for {count} classes are not used: labels keep their numbers")
        names = ()
    if len(set(names)) < len(names):
        notes.append("class names that repeat are not used: labels keep their numbers")
        names = ()
    return Labels(y=y, classes=names or tuple(str(label + start) for label in range(count)), notes=tuple(notes))


def check_classes(y: Mapping[Part, Array], classes: tuple[str, ...]) -> None:
    """Refuse a single class, and classes without train images.

    raises  DataError
    """
    counts = np.bincount(y["train"], minlength=len(classes))
    if (counts > 0).sum() < 2:
        raise DataError("all train images are of one class: at least two classes are needed")
    if (counts == 0).any():
        empty = [classes[label] for label in np.flatnonzero(counts == 0)]
        raise DataError(
            f"labels must be 0..{len(classes) - 1} with images in each class; no train image of: {listed(empty)}; "
            "number the classes without gaps, or give names as labels"
        )
