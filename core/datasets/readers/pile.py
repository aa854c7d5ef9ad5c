"""Images of one size and kind, piled up by part as they are decoded, in memory that is taken once."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import psutil

from core.datasets.found import Array, Part
from core.datasets.readers.decode import SAID, Picture
from core.engine import limits
from core.errors import DataError, ResourceError

SHARE = 0.8  # of the free memory that images may take


class Pile:
    """Arrays by part that grow image by image.

    name      of the source, for sentences
    expected  most images of each part
    packed    bytes of the archive they come from; None for files that lie open
    """

    def __init__(self, name: str, expected: Mapping[Part, int], resize: int | None, packed: int | None) -> None:
        self.resize = resize
        self._name, self._packed = name, packed
        self.depth = 0
        self._expected = expected
        self._x: dict[Part, Array] = {}
        self._names: dict[Part, list[str]] = {part: [] for part in expected}
        self._first: tuple[str, Picture] | None = None
        self._of_kind: dict[str, str] = {}  # grey, RGB, either -> the first file of that kind
        self._said: Counter[str] = Counter()

    def add(self, part: Part, name: str, path: str, picture: Picture) -> None:
        """Put an image of class `name` on its part's pile.

        raises  DifferError when it differs in size, depth or kind from those before, ResourceError without memory
        """
        if self._first is None:
            self._begin(path, picture)
        self._compare(path, picture)
        self._of_kind.setdefault(picture.kind, path)
        self._said.update(picture.said)
        room = self._x[part]
        room[len(self._names[part])] = picture.x[: room.shape[1]]  # a palette of greys has three equal channels
        self._names[part].append(name)

    def filled(self) -> bool:
        """Whether there is an image at all."""
        return self._first is not None

    def arrays(self) -> tuple[dict[Part, Array], dict[Part, Array]]:
        """Images (n, c, h, w) and class names (n,) by part; palettes of greys count as grey where no colour is."""
        grey = "RGB" not in self._of_kind
        parts = [part for part, names in self._names.items() if names]
        x = {part: self._x[part][: len(self._names[part]), : 1 if grey else None] for part in parts}
        return x, {part: np.array(self._names[part]) for part in parts}

    def notes(self) -> list[str]:
        """What was decided about images, with how many it was."""
        said = dict(self._said)
        if "RGB" in self._of_kind:
            said.pop("palette", None)
        notes = [SAID[key].format(n=f"{said[key]:,} images") for key in SAID if key in said]
        if self.depth == 65535:
            notes.append(
                "images have 16 bits a pixel and are read as floats, value / 65535, unless --range says otherwise"
            )
        return notes

    def _begin(self, path: str, picture: Picture) -> None:
        channels = 1 if picture.kind == "grey" else 3
        shape = (channels, *picture.x.shape[1:])
        need = sum(self._expected.values()) * int(np.prod(shape)) * picture.x.dtype.itemsize
        limits.refuse(self._name, decoded=need, packed=limits.MOST_BYTES if self._packed is None else self._packed)
        free = psutil.virtual_memory().available
        if need > SHARE * free:
            raise ResourceError(
                f"{sum(self._expected.values()):,} images of {shape[2]}×{shape[1]} pixels take {need / 1e9:.1f} GB, "
                f"{free / 1e9:.1f} GB are free: make them smaller with --resize"
            )
        self._first, self.depth = (path, picture), picture.depth
        self._x = {part: np.empty((count, *shape), picture.x.dtype) for part, count in self._expected.items()}

    def _compare(self, path: str, picture: Picture) -> None:
        assert self._first is not None
        name, first = self._first
        kinds = {**self._of_kind, picture.kind: path}
        if {"grey", "RGB"} <= set(kinds):
            grey, colour = kinds["grey"], kinds["RGB"]
            raise DifferError(
                f"grey and RGB images are mixed: {grey} is grey, {colour} is RGB; convert them to one kind"
            )
        if picture.x.shape[1:] != first.x.shape[1:]:
            (h, w), (height, width) = first.x.shape[1:], picture.x.shape[1:]
            raise DifferError(
                f"images differ in size: {name} has {w}×{h} pixels, {path} has {width}×{height}; set resize to bring "
                "all to one side"
            )
        if (picture.x.dtype, picture.depth) != (first.x.dtype, first.depth):
            raise DifferError(
                f"bit depths are mixed: {name} holds {first.x.dtype} values, {path} {picture.x.dtype}; save them alike"
            )


class DifferError(DataError):
    """An image is readable but unlike the others: that is no damage, and no file is left out for it."""
