"""What a file may say of a condensed set besides its images and labels: radii, weights, rows, targets, a norm.

A trainer multiplies by weights and attacks within radii, so a NaN or a negative number there would not fail but give
other results without a word.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from core.errors import DataError
from core.types import Norm

WHOLE = ("indices", "assignment", "weights")
MOST_CLASSES = 10_001
DIMENSIONS = {"soft_labels": 2}  # of the others: one


def count(path: Path, found: Any) -> int:
    """The number of classes that a file gives.

    raises  DataError when it is none
    """
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST_CLASSES:
        raise DataError(
            f"n_classes of {path.name} must be a whole number from 1 to {MOST_CLASSES}, got {_shown(found)}"
        )
    return found


def check(path: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any], n_classes: int) -> None:
    """Refuse arrays and scalars that no condensed set can have; their lengths were compared before.

    arrays  of CondensedSet besides x and y
    raises  DataError naming the array, what was expected, and what came
    """
    for name, array in arrays.items():
        wanted = DIMENSIONS.get(name, 1)
        if array.ndim != wanted:
            raise DataError(f"{name} of {path.name} must have {wanted} dimensions, got shape {array.shape}")
        if name in WHOLE and array.dtype.kind not in "iu":
            raise DataError(f"{name} of {path.name} must be whole numbers, got {array.dtype}")
        if not np.isfinite(array).all():
            raise DataError(f"{name} of {path.name} must be finite, got NaN or infinite values")
        if array.min(initial=0) < 0 and name != "soft_labels":
            raise DataError(f"{name} of {path.name} must not be negative, got {array.min():g}")
    soft = arrays.get("soft_labels")
    if soft is not None and soft.shape[1] != n_classes:
        raise DataError(f"soft_labels of {path.name} must have {n_classes} columns, one a class, got {soft.shape[1]}")
    if (norm := meta.get("norm")) not in (None, *get_args(Norm)):
        raise DataError(f"norm of {path.name} must be {', '.join(get_args(Norm))} or nothing, got {_shown(norm)}")
    _check_radius(path, meta.get("radius"))
    if not isinstance(method := meta.get("method", ""), str) or len(method) > 80:
        raise DataError(f"method of {path.name} must be a name of at most 80 letters, got {_shown(method)}")


def _check_radius(path: Path, radius: Any) -> None:
    if radius is None:
        return
    number = isinstance(radius, int | float) and not isinstance(radius, bool)
    if not number or not math.isfinite(radius) or radius < 0:
        raise DataError(f"radius of {path.name} must be a finite number from 0, got {_shown(radius)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
