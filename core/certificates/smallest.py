"""The smallest move that the attack along straight lines finds, for each image: the other end of its proven radius.

core.certificates.line answers for one eps. Here eps grows from the proven radius until an image falls, and is then
halved towards the radius. What counts is the length of the move that made the image wrong, measured on the image.
Cost: up to 16 such attacks for each image, each on the few foreign centres that are near enough.
"""

from collections.abc import Generator

import numpy as np

from core.certificates.line import towards_each
from core.certificates.nearest import Centres, Proven
from core.events import through
from core.types.data import Norm

BEYOND = (1e-6, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # tries beyond the proven radius, as parts of it
HALVINGS = 8


def smallest(
    x: np.ndarray, y: np.ndarray, proven: Proven, centres: Centres, norm: Norm
) -> Generator[int, None, tuple[np.ndarray, np.ndarray]]:
    """The smallest move found that makes each image wrong.

    x        (n, ...) in [0, 1], any float type
    y        (n,) int64 its classes
    proven   what `prove` says of these images in this norm
    yields   how many images are done
    returns  images (n, ...) float64 in [0, 1], unmoved where they are wrong or nothing was found, and (n,) the length
             of the moves: 0 where an image is wrong, infinite where nothing was found
    """
    moved, sizes = np.array(x, np.float64), np.where(proven.right, np.inf, 0.0)
    for i in np.flatnonzero(proven.right & np.isfinite(proven.radius)).tolist():
        low, part = float(proven.radius[i]), slice(i, i + 1)
        tries = [low * (1 + more) for more in BEYOND]
        for _ in range(len(BEYOND) + HALVINGS):
            eps = (low + sizes[i]) / 2 if np.isfinite(sizes[i]) else tries.pop(0)
            (image,), (fell,) = yield from through(towards_each(x[part], y[part], centres, norm, eps), lambda _: 0)
            if fell:
                moved[i], sizes[i] = image, length(image - x[i], norm)
            else:
                low = eps
            if sizes[i] <= low * (1 + 2 * BEYOND[0]) or not (tries or np.isfinite(sizes[i])):
                break
        yield i + 1
    yield len(x)
    return moved, sizes


def length(move: np.ndarray, norm: Norm) -> float:
    """Length of a move in pixels of [0, 1]."""
    size = np.abs(move)
    if norm == "L2":
        return float(np.sqrt((size**2).sum()))
    return float(size.max() if norm == "Linf" else size.sum())
