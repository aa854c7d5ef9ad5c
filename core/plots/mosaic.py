"""Mosaics: many small images as one picture, one row of cells per class.

Numpy and Pillow only, because the page process draws them too. Cost: the bytes of the picture.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.errors import ConfigError

GAP = 1  # image pixels between two cells, before enlarging
PAPER = 0.5  # grey of gaps and empty cells, in [0, 1]
WIDEST = 1400  # pixels of the finished picture
MOST_COLUMNS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Mosaic:
    """A picture of `shown` of `total` images.

    image  (H, W, 3) uint8
    """

    image: np.ndarray
    shown: int
    total: int


def mosaic(
    x: np.ndarray, y: np.ndarray | None = None, *, columns: int | None = None, scale: int | None = None
) -> Mosaic:
    """Lay images out in a grid.

    x        (n, c, h, w) float in [0, 1] with c = 1 or 3
    y        (n,) labels: each class begins a new row, and takes as many as it needs; None fills rows in order
    columns  cells per row; by default as many as the largest class has, or a square without labels
    scale    whole factor by which pixels are enlarged; by default what makes a picture of a readable size
    returns  Mosaic; images that do not fit 50 columns × 50 rows of cells are left out and counted, the last of every
             class first
    raises   ConfigError for anything that is no image, two-dimensional points among them
    """
    if x.ndim != 4 or x.shape[1] not in (1, 3) or min(x.shape[2:]) < 2:
        raise ConfigError(f"a mosaic needs images (n, 1 or 3, h, w) of at least 2×2 pixels, got {x.shape}")
    groups = [np.arange(len(x))] if y is None else [np.flatnonzero(y == label) for label in np.unique(y)]
    largest = max((len(group) for group in groups), default=0)
    columns = min(columns or (int(np.ceil(np.sqrt(len(x)))) if y is None else largest) or 1, MOST_COLUMNS)
    share = _share([-(-len(group) // columns) for group in groups])
    rows = [group[i : i + columns] for group in groups for i in range(0, len(group), columns)[:share]][:MOST_COLUMNS]
    _, channels, h, w = x.shape
    canvas = np.full((len(rows) * (h + GAP) + GAP, columns * (w + GAP) + GAP, channels), PAPER, np.float32)
    for i, row in enumerate(rows):
        for j, index in enumerate(row):
            top, left = GAP + i * (h + GAP), GAP + j * (w + GAP)
            canvas[top : top + h, left : left + w] = x[index].transpose(1, 2, 0)
    scale = scale or max(1, min(WIDEST // canvas.shape[1], 6))
    image = np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    image = np.broadcast_to(image, (*image.shape[:2], 3)).repeat(scale, 0).repeat(scale, 1)
    return Mosaic(image=image, shown=sum(map(len, rows)), total=len(x))


def _share(wanted: Sequence[int]) -> int:
    """The most rows that every class may take, so that all classes together fit."""
    share = max(wanted, default=0)
    while share > 1 and sum(min(rows, share) for rows in wanted) > MOST_COLUMNS:
        share -= 1
    return share


def to_png(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as the bytes of a PNG file."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()
