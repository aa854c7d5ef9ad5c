"""A frozen value made of arrays, to and from the named arrays of an .npz."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np


@dataclass(frozen=True, kw_only=True, eq=False)
class OfArrays:
    """What values of arrays have in common; a field that is no array is stored as one without a dimension."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Every field as an array, for an .npz; `of` is the inverse."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """raises  KeyError for a field that is missing"""
        found = {field.name: arrays[field.name] for field in fields(cls)}
        values: dict[str, Any] = {name: value if value.ndim else value.item() for name, value in found.items()}
        return cls(**values)
