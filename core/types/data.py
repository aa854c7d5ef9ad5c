"""Data sets as frozen values.

Images stay in the numbers they were stored in: `x` is uint8 with `levels` grey steps (255 for
8-bit images, 16 for digits) whenever the source is integer, so that distances can be computed
exactly in integers; otherwise x is float32 already in [0, 1] and `levels` is 0.
"""

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Self, get_args

import numpy as np
from pydantic import model_validator

from core.errors import ConfigError, DataError
from core.types.options import Options, option
from core.types.understood import Understood

Norm = Literal["Linf", "L2", "L1"]


def as_norm(text: str) -> Norm:
    """A stored or chosen name as a norm.

    raises  DataError for another name
    """
    for norm in get_args(Norm):
        if text == norm:
            found: Norm = norm
            return found
    raise DataError(f"a norm is one of {', '.join(get_args(Norm))}, got {text!r}")


OF_SOURCE = ("resize", "range", "shape", "skip_bad")  # how a source of one's own is read; ready-made ones know it


class DataConfig(Options):
    """Which data set, and how much of it."""

    name: str = option("digits", "name in the table of data sets, or a path to an .npz, folder or zip")
    limit: int | None = option(None, "images per class used for training; empty uses all", unit="images", ge=1)
    resize: int | None = option(
        None, "side to which images of a folder or zip are resized", unit="pixels", ge=2, le=512, advanced=True
    )
    range: str = option(
        "", "stored values that mean black and white, as 0:16 or -1:1, or a pair for each channel with commas; needed "
        "where the file does not tell", advanced=True
    )  # fmt: skip
    shape: str = option(
        "", "how a row of values lies in an image, as 28x28, 3x32x32 or 32x32x3; for arrays and tables of rows",
        advanced=True,
    )  # fmt: skip
    skip_bad: bool = option(
        False, "leave out files that cannot be read or belong to no class, instead of refusing them", advanced=True
    )
    seed: int = option(0, "seed of the shuffle that `limit` and a missing test split draw from", ge=0)

    @model_validator(mode="after")
    def _texts_can_be_read(self) -> Self:
        pairs(self.range)
        sides(self.shape)
        return self


def pairs(text: str) -> tuple[tuple[float, float], ...]:
    """Black and white from a text such as "0:16", or "-1:1,-1:1,-1:1" for three channels; empty for "".

    raises  ConfigError when it says no such thing
    """
    found = []
    for part in filter(None, text.replace(" ", "").split(",")):
        try:
            low, high = (float(end) for end in part.split(":"))
        except ValueError:
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(f"range must say black and white as low:high, such as 0:16 or -1:1, got {text!r}")
        found.append((low, high))
    if len(found) not in (0, 1, 3):
        raise ConfigError(f"range takes one pair, or three for red, green and blue, got {len(found)}: {text!r}")
    return tuple(found)


def sides(text: str) -> tuple[int, ...]:
    """(h, w), or (c, h, w) or (h, w, c), from a text such as "28x28"; empty for "".

    raises  ConfigError when it says no such thing
    """
    if not text.strip():
        return ()
    parts = text.replace(" ", "").lower().replace("×", "x").replace(",", "x").split("x")
    if len(parts) not in (2, 3) or not all(part.isdecimal() and 0 < int(part) <= 100_000 for part in parts):
        raise ConfigError(f"shape must be sides such as 28x28, 3x32x32 or 32x32x3, got {text!r}")
    return tuple(int(part) for part in parts)


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
        c, h, w = self.x.shape[1:]
        return c, h, w

    def pixels(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Images as (n, c, h, w) float32 in [0, 1]; `index` selects without converting the rest."""
        x = self.x[index]
        return x if not self.levels else x.astype(np.float32) / np.float32(self.levels)

    @cached_property
    def hash(self) -> str:
        """16 hex digits that identify the pixels and labels."""
        digest = hashlib.blake2b(digest_size=8)
        self.feed(digest)
        return digest.hexdigest()

    def feed(self, digest: "hashlib.blake2b") -> None:
        """Add shape, kind, pixels and labels to a digest."""
        digest.update(repr((self.x.shape, str(self.x.dtype), self.levels)).encode())
        digest.update(np.ascontiguousarray(self.x).data)
        digest.update(np.ascontiguousarray(self.y).data)

    def take(self, index: np.ndarray) -> Self:
        """The images at `index`, as the same kind of split."""
        return type(self)(x=self.x[index].copy(), y=self.y[index].copy(), levels=self.levels)


class TrainSplit(Split):
    """What condensing and training may see."""


class TestSplit(Split):
    """What only evaluation may see."""

    __test__ = False  # not a pytest class


def only_train(split: Split) -> None:
    """Refuse, before anything is learned from it, whatever is not a train split: test images above all.

    raises  TypeError; it is a mistake in the code that calls, not of a user
    """
    if not isinstance(split, TrainSplit):
        raise TypeError(f"only a TrainSplit may be learned from, got a {type(split).__name__}: pass dataset.train")


def only_test(split: Split) -> None:
    """Refuse to judge on anything but test images: train images would flatter.

    raises  TypeError, as `only_train`
    """
    if not isinstance(split, TestSplit):
        raise TypeError(f"only a TestSplit may be judged on, got a {type(split).__name__}: pass dataset.test")


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """A data set ready for use.

    name     as the user chose it
    classes  one name per label, in label order
    notes    sentences the page must show: how the test split was made, what was resized, ...
    source   where it came from, for the record: "scikit-learn", "torchvision", or a path
    understood  how the source was read, for data that somebody brought; None for ready-made ones
    """

    name: str
    train: TrainSplit
    test: TestSplit
    classes: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    source: str = ""
    understood: Understood | None = None

    def __post_init__(self) -> None:
        only_train(self.train)
        only_test(self.test)

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @cached_property
    def hash(self) -> str:
        """16 hex digits that identify the pixels, labels and split, whatever the name."""
        digest = hashlib.blake2b(digest_size=8)
        for split in (self.train, self.test):
            split.feed(digest)
        return digest.hexdigest()
