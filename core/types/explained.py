"""Why the nearest-neighbour classifier is proven right around some test images, as pages draw it."""

from dataclasses import dataclass

import numpy as np

from core.types.arrays import OfArrays


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained(OfArrays):
    """n test images beside the condensed images that decide about them, in k norms.

    norms           (k,) the norms of radii and attacks
    rows, y         (n,) int64 rows of the test split and their labels
    x               (n, c, h, w) float32 the images
    labels          (m,) int64 classes of the condensed images
    own, foreign    (n,) int64 nearest condensed image of the own class and of another, -1 where there is none
    own_away, foreign_away  (n,) float64 their L2 distances, infinite where there is none
    keeper, rival   (k, n) int64 the own and the foreign condensed image whose pair decides the radius, else -1
    keeper_away, rival_away (k, n) float64 their L2 distances
    apart           (k, n) float64 distance of that pair in the dual norm
    radius          (k, n) float64 proven radius, with the box; 0 where wrong, infinite where nothing in the box does
    attacked        (k, n, c, h, w) float32 after the smallest attack that was found
    size            (k, n) float64 its length, measured before rounding; infinite where none was found
    reached         (k, n) int64 condensed image of another class that is nearest after it
    """

    norms: np.ndarray
    rows: np.ndarray
    y: np.ndarray
    x: np.ndarray
    labels: np.ndarray
    own: np.ndarray
    foreign: np.ndarray
    own_away: np.ndarray
    foreign_away: np.ndarray
    keeper: np.ndarray
    rival: np.ndarray
    keeper_away: np.ndarray
    rival_away: np.ndarray
    apart: np.ndarray
    radius: np.ndarray
    attacked: np.ndarray
    size: np.ndarray
    reached: np.ndarray

    @property
    def formula(self) -> np.ndarray:
        """(k, n) (rival_away^2 - keeper_away^2) / (2 apart): the radius without the box; NaN where no pair decides."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: np.ndarray = (self.rival_away**2 - self.keeper_away**2) / (2 * self.apart)
        return np.where(self.rival < 0, np.nan, found)
