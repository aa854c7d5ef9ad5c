"""The condensed set: what every method returns and every trainer takes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.types.data import Norm


@dataclass(frozen=True, kw_only=True, eq=False)
class CondensedSet:
    """A small labelled set that stands for a train split.

    x            (m, c, h, w) float32 in [0, 1]
    y            (m,) int64
    n_classes    number of classes of the data set, also those without an image here
    method       name in the table of methods
    soft_labels  (m, C) float32 learned targets, or None for one-hot y
    indices      (m,) int64 rows of the train split, for coresets, or None
    assignment   (N,) int64 train row -> row here, for covers, or None
    ball_radius  (m,) float64 largest distance from a centre to an image assigned to it, or None
    weights      (m,) int64 how many train images each row stands for, or None
    norm         norm of the radii, or None
    radius       largest ball radius, in pixel units of [0, 1], or None
    info         further scalars for tables and JSON: bounds, gaps, seconds of parts, labels
    """

    x: np.ndarray
    y: np.ndarray
    n_classes: int
    method: str
    soft_labels: np.ndarray | None = None
    indices: np.ndarray | None = None
    assignment: np.ndarray | None = None
    ball_radius: np.ndarray | None = None
    weights: np.ndarray | None = None
    norm: Norm | None = None
    radius: float | None = None
    info: Mapping[str, object] = field(default_factory=dict)

    ARRAYS = ("x", "y", "soft_labels", "indices", "assignment", "ball_radius", "weights")

    def __post_init__(self) -> None:
        assert self.x.dtype == np.float32 and self.x.ndim == 4, (self.x.dtype, self.x.shape)
        assert self.y.dtype == np.int64 and self.y.shape == (len(self.x),)
        for array in self.arrays().values():
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.y)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are present, by name."""
        return {name: getattr(self, name) for name in self.ARRAYS if getattr(self, name) is not None}

    @cached_property
    def hash(self) -> str:
        """16 hex digits of all arrays: the input hash of the stages that follow."""
        digest = hashlib.blake2b(digest_size=8)
        for name, array in self.arrays().items():
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()
