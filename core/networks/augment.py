"""Differentiable augmentation: one change of a batch, drawn first, applied as often as wanted.

Drawing and applying are apart, so that a method can change real and learned images alike ("siamese") and a trainer can
change every image by its own amount. One kind of change per call, as in the reference code; strengths are its defaults.
Every change is differentiable in the images and keeps [0, 1]; what moves into the picture is black.
Source: Zhao & Bilen 2021, arXiv:2102.08259 (DSA), section 3.3. Cost: one resampling of the batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import ConfigError

SHIFT = 0.125  # of the side, at most
SCALE = 1.2  # largest factor; the smallest is its inverse
ROTATE = math.radians(15)
CUT = 0.5  # side of the square that is cut out, as a share of the image's
BRIGHTNESS, SATURATION, CONTRAST = 1.0, 2.0, 0.5
SMALLEST = 4  # pixels of a side below which geometry means nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """A kind of change and how much of it.

    kind     a name in KINDS
    numbers  (n, 3) float32 uniform in [0, 1), one row an image; with n = 1 all images share it
    """

    kind: str
    numbers: Tensor


def usual(shape: Sequence[int]) -> tuple[str, ...]:
    """Kinds that leave a label true: all geometry, and mirroring for three channels only, since digits have sides.

    raises  ConfigError for points and images too small to be shifted
    """
    if min(shape[1:]) < SMALLEST:
        size = "×".join(map(str, shape[1:]))
        raise ConfigError(
            f"augmentation needs images of at least {SMALLEST}×{SMALLEST} pixels, got {size}: switch it off"
        )
    return ("shift", "scale", "rotate", "cutout") + (("flip",) if shape[0] == 3 else ())


def draw(kinds: Sequence[str], count: int, generator: torch.Generator) -> Change:
    """Choose one of `kinds` and the strengths of `count` images, from a CPU generator; count 1 is siamese."""
    chosen = int(torch.randint(len(kinds), (1,), generator=generator))
    return Change(kind=kinds[chosen], numbers=torch.rand(count, 3, generator=generator))


def augment(x: Tensor, change: Change) -> Tensor:
    """Change images.

    x        (n, c, h, w) float in [0, 1]
    change   with one row of numbers, or n
    returns  (n, c, h, w) in [0, 1], differentiable in x
    raises   ConfigError for an unknown kind
    """
    if change.kind not in KINDS:
        raise ConfigError(f"there is no augmentation {change.kind!r}; there are: {', '.join(KINDS)}")
    return KINDS[change.kind](x, change.numbers.to(x).expand(len(x), -1))


def _flip(x: Tensor, u: Tensor) -> Tensor:
    return torch.where(u[:, 0, None, None, None] < 0.5, x.flip(3), x)


def _shift(x: Tensor, u: Tensor) -> Tensor:
    """By whole pixels up to SHIFT of each side, in both directions."""
    far = [int(side * SHIFT + 0.5) for side in x.shape[2:]]
    down, right = ((u[:, axis] * (2 * most + 1)).long() - most for axis, most in enumerate(far))
    rows = torch.arange(x.shape[2], device=x.device)[None] - down[:, None]
    columns = torch.arange(x.shape[3], device=x.device)[None] - right[:, None]
    inside = _within(rows, x.shape[2])[:, None, :, None] & _within(columns, x.shape[3])[:, None, None, :]
    image = torch.arange(len(x), device=x.device)[:, None, None]
    moved = x.permute(0, 2, 3, 1)[
        image, rows.clamp(0, x.shape[2] - 1)[:, :, None], columns.clamp(0, x.shape[3] - 1)[:, None]
    ]
    return moved.permute(0, 3, 1, 2) * inside


def _within(index: Tensor, size: int) -> Tensor:
    return (index >= 0) & (index < size)


def _scale(x: Tensor, u: Tensor) -> Tensor:
    across, down = (u[:, axis] * (SCALE - 1 / SCALE) + 1 / SCALE for axis in (0, 1))
    zero = torch.zeros_like(across)
    return _resample(x, torch.stack([across, zero, zero, zero, down, zero], 1))


def _rotate(x: Tensor, u: Tensor) -> Tensor:
    angle = (2 * u[:, 0] - 1) * ROTATE
    zero, ratio = torch.zeros_like(angle), x.shape[2] / x.shape[3]  # axes of an oblong image have units of their own
    cos, sin = angle.cos(), angle.sin()
    return _resample(x, torch.stack([cos, -sin * ratio, zero, sin / ratio, cos, zero], 1))


def _resample(x: Tensor, matrix: Tensor) -> Tensor:
    """Read x where the (n, 6) affine maps send each pixel, bilinearly."""
    grid = F.affine_grid(matrix.view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False).clamp(0, 1)  # rounding leaves a few ulp above 1


def _cutout(x: Tensor, u: Tensor) -> Tensor:
    """Blacken a square whose centre lies anywhere in the image."""
    masks = []
    for axis, side in enumerate(x.shape[2:]):
        half = max(1, int(side * CUT + 0.5)) / 2
        centre = u[:, axis, None] * side
        masks.append((torch.arange(side, device=x.device) + 0.5 - centre).abs() < half)
    return x * ~(masks[0][:, None, :, None] & masks[1][:, None, None, :])


def _colour(x: Tensor, u: Tensor) -> Tensor:
    """Brightness, saturation and contrast one after the other."""
    bright, saturated, contrast = (u[:, column, None, None, None] for column in range(3))
    x = x + (bright - 0.5) * BRIGHTNESS
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * saturated * SATURATION + grey
    level = x.mean((1, 2, 3), keepdim=True)
    return ((x - level) * (contrast + CONTRAST) + level).clamp(0, 1)


KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "flip": _flip, "shift": _shift, "scale": _scale, "rotate": _rotate, "cutout": _cutout, "colour": _colour,
}  # fmt: skip
