"""Labels of a set from elsewhere as those of a data set: by number, by one-hot or soft row, or by the class's name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.found import Array
from core.datasets.names import spelled
from core.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """(n,) int64 labels, (n, C) float32 soft ones where there are such, and what was decided."""

    y: np.ndarray[tuple[int], np.dtype[np.int64]]
    soft: Array | None = None
    notes: tuple[str, ...] = ()


def understand(labels: Array, classes: Sequence[str], name: str) -> Labels:
    """Labels of a file as those of the data set with these classes.

    raises  DataError for labels that the data set does not have
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind in "US":
        return _by_name(labels, classes, name)
    if labels.dtype.kind not in "biuf" or labels.ndim not in (1, 2):
        raise DataError(f"labels of {name} must be numbers, (n,) or (n, classes), got {labels.shape} {labels.dtype}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"labels of {name} hold NaN or infinite values: the set is damaged")
    if labels.ndim == 2:
        return _of_rows(labels, classes, name)
    if labels.dtype.kind == "f" and not (labels == np.rint(labels)).all():
        raise DataError(f"labels of {name} must be whole numbers or rows of {len(classes)}, got {labels.dtype} values")
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= len(classes):
        hint = "; it seems to count from 1: subtract 1" if least == 1 and most == len(classes) else ""
        raise DataError(
            f"labels of {name} reach from {least} to {most}, the data set has 0 to {len(classes) - 1}: choose the data "
            f"set it was made from{hint}"
        )
    note = f"the file names no classes: its label k is taken as class k of the data set, 0 as {classes[0]}"
    return Labels(y=labels.astype(np.int64), notes=(note,))


def _of_rows(labels: Array, classes: Sequence[str], name: str) -> Labels:
    if labels.shape[1] != len(classes):
        raise DataError(
            f"labels of {name} have {labels.shape[1]} columns, the data set has {len(classes)} classes: choose the "
            "data set it was made from"
        )
    y = np.argmax(labels, axis=1).astype(np.int64)
    ones = np.eye(len(classes), dtype=labels.dtype)[y]
    if (labels == ones).all():
        return Labels(y=y, notes=("labels are one-hot: the column of the one is the class",))
    note = "labels are soft: the largest value of a row names its class, and training learns the whole row"
    return Labels(y=y, soft=labels.astype(np.float32), notes=(note,))


def _by_name(labels: Array, classes: Sequence[str], name: str) -> Labels:
    known = {spelled(text): label for label, text in enumerate(classes)}
    found = [spelled(str(text)) for text in labels.tolist()]
    if unknown := sorted(set(found) - set(known)):
        there = ", ".join(classes[:6]) + (" …" if len(classes) > 6 else "")
        raise DataError(
            f"{name} has a class {unknown[0]!r}, which the data set has not: its classes are {there}; choose the data "
            "set it was made from"
        )
    return Labels(y=np.array([known[text] for text in found], np.int64))
