"""One attacked image as three pictures side by side: clean, perturbation around mid-grey, attacked.

A perturbation is drawn to scale: full colour is the value `full`, usually ε, so that two budgets look as they differ.

Numpy and Pillow only, because the page process draws them. A film is an animated PNG, so the browser plays it alone.
"""

import io

import numpy as np
from PIL import Image

from core.plots.mosaic import mosaic, to_png

HIGH = 280  # pixels, about the height of a picture
FRAME_MS, LAST_MS = 220, 1500  # how long a moment of a film is shown, and its last one


def enlarged(clean: np.ndarray, attacked: np.ndarray, full: float) -> np.ndarray:
    """The difference of two arrays of images around mid-grey; a change by `full` is black or white, beyond clipped."""
    return np.clip(0.5 + 0.5 * (attacked - clean) / full, 0, 1).astype(np.float32)


def sheet(clean: np.ndarray, attacked: np.ndarray, full: float) -> bytes:
    """A PNG of three rows, one column per image; both (n, c, h, w) in [0, 1]."""
    rows = np.concatenate([clean, enlarged(clean, attacked, full), attacked])
    return to_png(mosaic(rows, columns=len(clean)).image)


def three(clean: np.ndarray, now: np.ndarray, full: float) -> tuple[bytes, bytes, bytes]:
    """PNGs of one image (c, h, w) clean, its perturbation, and as it is now."""
    before, difference, after = (to_png(picture(image)) for image in (clean, enlarged(clean, now, full), now))
    return before, difference, after


def film(frames: np.ndarray, full: float) -> bytes:
    """An animated PNG of the three pictures for every moment, over and over; frames (T, c, h, w), the first clean."""
    clean = frames[0]
    stills = [
        Image.fromarray(np.concatenate([picture(i) for i in (clean, enlarged(clean, now, full), now)], 1))
        for now in frames
    ]
    out = io.BytesIO()
    wait = [FRAME_MS] * (len(stills) - 1) + [LAST_MS]
    stills[0].save(out, "PNG", save_all=True, append_images=stills[1:], duration=wait, loop=0)
    return out.getvalue()


def picture(image: np.ndarray) -> np.ndarray:
    """An image (c, h, w) in [0, 1] as (H, W, 3) uint8, its pixels enlarged by a whole factor."""
    scale = max(1, HIGH // max(image.shape[1:]))
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).repeat(scale, 0).repeat(scale, 1)
