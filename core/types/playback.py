"""An attack on a few images, moment by moment, as pages draw it."""

from dataclasses import dataclass

import numpy as np

from core.types.arrays import OfArrays


@dataclass(frozen=True, kw_only=True, eq=False)
class Playback(OfArrays):
    """An attack on n images as arrays; C classes, T moments, T = 1 is the clean image.

    rows, y      (n,) int64 rows of the test split and their labels
    frames       (n, T, c, h, w) float32: clean, random start and every step of PGD; for other attacks points of
                 the straight line from the clean to the attacked image
    line         whether the frames are points of that line
    loss, margin (n, T) float32 along the frames; margin > 0 means misclassified
    probability  (n, T, C) float32 softmax along the frames
    attacked     (n, c, h, w) float32: the iterate that is worst for the model
    length       (n,) float32 norm of attacked - clean
    best         (n,) int64 frame that is `attacked`
    side         (g,) float32 multiples of `radius` along both directions of the surface
    radius       (n,) float32 length of one unit on the surface, in the attack's norm
    surface, surface_margin  (n, g, g) float32 at clean + side[j] * gradient + side[i] * random, clipped to [0, 1]
    """

    rows: np.ndarray
    y: np.ndarray
    frames: np.ndarray
    line: bool
    loss: np.ndarray
    margin: np.ndarray
    probability: np.ndarray
    attacked: np.ndarray
    length: np.ndarray
    best: np.ndarray
    side: np.ndarray
    radius: np.ndarray
    surface: np.ndarray
    surface_margin: np.ndarray

    @property
    def fooled(self) -> np.ndarray:
        """(n,) bool: right on the clean image, wrong on the attacked one."""
        at = np.arange(len(self.rows))
        fooled: np.ndarray = (self.margin[:, 0] <= 0) & (self.margin[at, self.best] > 0)
        return fooled
