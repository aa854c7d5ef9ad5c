"""The condensed set: what every method returns and every trainer takes."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from core.errors import DataError
from core.types.data import Norm
from core.types.origin import Origin
from core.types.told import Told


@dataclass(frozen=True, kw_only=True, eq=False)
class Balls:
    """What makes a condensed set a cover, all of it there; each as CondensedSet has it."""

    indices: np.ndarray
    assignment: np.ndarray
    ball_radius: np.ndarray
    weights: np.ndarray
    norm: Norm
    radius: float


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
    info         what the method tells besides: bounds, gaps, losses
    origin       the data set it was made from; blank for sets from elsewhere
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
    info: Told = field(default_factory=Told)
    origin: Origin = field(default_factory=Origin)

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

    def missing(self) -> list[str]:
        """Names of what the set lacks to be a cover."""
        return [part.name for part in fields(Balls) if getattr(self, part.name) is None]

    @property
    def balls(self) -> Balls:
        """The cover that this set is.

        raises  DataError when it is none
        """
        if missing := self.missing():
            raise DataError(
                f"the set by {self.method} is not a cover, {', '.join(missing)} missing: use mfc or k_center"
            )
        return Balls(**{part.name: getattr(self, part.name) for part in fields(Balls)})

    @cached_property
    def hash(self) -> str:
        """16 hex digits of all arrays: the input hash of the stages that follow."""
        digest = hashlib.blake2b(digest_size=8)
        for name, array in self.arrays().items():
            digest.update(f"{name}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()
