"""Data sets as frozen values.

Images stay in the numbers they were stored in: `x` is uint8 with `levels` grey steps (255 for
8-bit images, 16 for digits) whenever the source is integer, so that distances can be computed
exactly in integers; otherwise x is float32 already in [0, 1] and `levels` is 0.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from core.types.options import Options, option

Norm = Literal["Linf", "L2", "L1"]


class DataConfig(Options):
    """Which data set, and how much of it."""

    name: str = option("digits", "name in the table of data sets, or a path to an .npz, folder or zip")
    limit: int | None = option(None, "images per class used for training; empty uses all", unit="images", ge=1)
    resize: int | None = option(
        None, "side to which images of a folder or zip are resized", unit="pixels", ge=2, le=512, advanced=True
    )
    seed: int = option(0, "seed of the shuffle that `limit` and a missing test split draw from", ge=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Labelled images.

    x       (n, c, h, w) uint8 in 0..levels, or float32 in [0, 1] when levels is 0
    y       (n,) int64 in 0..C-1
    levels  largest stored value: 255, 16, ..., or 0 for float data
    """

    x: np.ndarray
    y: np.ndarray
    levels: int = 255

    def __post_init__(self) -> None:
        assert self.x.ndim == 4 and self.y.shape == (len(self.x),) and self.y.dtype == np.int64
        assert self.x.dtype == (np.uint8 if self.levels else np.float32), (self.x.dtype, self.levels)
        self.x.flags.writeable = False
        self.y.flags.writeable = False

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of one image."""
        return self.x.shape[1:]

    def pixels(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Images as (n, c, h, w) float32 in [0, 1]; `index` selects without converting the rest."""
        x = self.x[index]
        return x if not self.levels else x.astype(np.float32) / np.float32(self.levels)

    def take(self, index: np.ndarray) -> "Split":
        """The images at `index`, as the same kind of split."""
        return type(self)(x=self.x[index].copy(), y=self.y[index].copy(), levels=self.levels)


class TrainSplit(Split):
    """What condensing and training may see."""


class TestSplit(Split):
    """What only evaluation may see."""

    __test__ = False  # not a pytest class


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set ready for use.

    name     as the user chose it
    classes  one name per label, in label order
    notes    sentences the page must show: how the test split was made, what was resized, ...
    source   where it came from, for the record: "scikit-learn", "torchvision", or a path
    """

    name: str
    train: TrainSplit
    test: TestSplit
    classes: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    source: str = ""

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @cached_property
    def hash(self) -> str:
        """16 hex digits that identify the pixels, labels and split, whatever the name."""
        digest = hashlib.blake2b(digest_size=8)
        for split in (self.train, self.test):
            digest.update(repr((split.x.shape, str(split.x.dtype), split.levels)).encode())
            digest.update(np.ascontiguousarray(split.x))
            digest.update(np.ascontiguousarray(split.y))
        return digest.hexdigest()
