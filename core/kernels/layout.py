"""Which pairs of positions a kernel follows, as index letters.

A kernel compares activations at pairs of positions. Fully connected: one position. Convolution with a flatten
readout: the same position in both images. With global average pooling: every position of one with every
position of the other. The recursion is the same for all three; only the letters differ:
i, j are images, h, w rows and columns, capitals belong to the second image.
"""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Index letters of the two inputs and of their pairs.

    left, right, pair  axes of the first input, the second, and of everything about pairs
    shifts             axes that a 3-wide mean moves along together; none for fully connected kernels
    """

    left: str
    right: str
    pair: str
    shifts: tuple[str, ...] = ()

    def products(self, x: Tensor, z: Tensor) -> Tensor:
        """Sums over features: x (*left, f), z (*right, f) -> (*pair)."""
        return torch.einsum(f"{self.left}f,{self.right}f->{self.pair}", x, z)

    def to_left(self, pair: Tensor, z: Tensor) -> Tensor:
        """Adjoint of `products` in x: (*pair), (*right, f) -> (*left, f)."""
        return torch.einsum(f"{self.pair},{self.right}f->{self.left}f", pair, z)

    def to_right(self, pair: Tensor, x: Tensor) -> Tensor:
        """Adjoint of `products` in z: (*pair), (*left, f) -> (*right, f)."""
        return torch.einsum(f"{self.pair},{self.left}f->{self.right}f", pair, x)

    def spread(self, values: Tensor, side: str) -> Tensor:
        """View values (*side) so that they broadcast over (*pair)."""
        return values[tuple(slice(None) if axis in side else None for axis in self.pair)]

    def gather(self, pair: Tensor, side: str) -> Tensor:
        """Adjoint of `spread`: sum (*pair) over all axes that `side` has not."""
        return pair.sum(dim=[d for d, axis in enumerate(self.pair) if axis not in side])

    def mean3(self, values: Tensor, axes: str) -> Tensor:
        """Mean over 3 by 3 neighbours, zeros outside; its own adjoint. `axes` names the axes of values."""
        for group in self.shifts:
            where = [axes.index(axis) for axis in group if axis in axes]
            total = values.clone()
            _shifted(total, where, 1).add_(_shifted(values, where, -1))
            _shifted(total, where, -1).add_(_shifted(values, where, 1))
            values = total.div_(3)
        return values

    def twins(self, pair: Tensor) -> Tensor:
        """View of the entries that compare a pixel vector with itself, when both inputs are the same images."""
        view = pair.diagonal(dim1=-2, dim2=-1)
        for _ in range((len(self.pair) - len(self.left)) - 1):
            view = view.diagonal(dim1=0, dim2=1)
        return view

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """Axes of (*pair) that the readout averages over."""
        return tuple(range(len(self.pair) - 2))

    def per_pair(self, shape: torch.Size) -> int:
        """Pairs of positions for one pair of images, from the shape of an input (*left, f)."""
        return prod(shape[:-2]) ** (2 if len(self.pair) > len(self.left) + 1 else 1)


def _shifted(values: Tensor, axes: list[int], by: int) -> Tensor:
    """View without the first (by 1) or the last (by -1) entry along each of the axes."""
    index: list[slice] = [slice(None)] * values.ndim
    for axis in axes:
        index[axis] = slice(1, None) if by > 0 else slice(None, -1)
    return values[tuple(index)]


FULL = Layout("i", "j", "ij")
FLAT = Layout("hwi", "hwj", "hwij", ("h", "w"))
GAP = Layout("hwi", "HWj", "hHwWij", ("hH", "wW"))
