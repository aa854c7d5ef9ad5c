"""Single test images under the nearest-neighbour classifier of a run: what decides about them, and how they look."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.api.workplace import home, store
from core.certificates.regions import regions
from core.engine import artifacts
from core.engine.perform import folder_of
from core.jobs.files import EXPLAINED
from core.plots.mosaic import to_png
from core.plots.panels import enlarged, picture
from core.types import Explained, Norm

MOST_IN_PLANE = 40  # condensed points whose regions a page computes at once


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """PNGs; what is not there is None."""

    own: bytes | None
    foreign: bytes | None
    keeper: bytes | None
    rival: bytes | None
    attacked: bytes | None
    change: bytes | None


def explained(run_id: str) -> Explained | None:
    """Some test images of a run with what decides about them; None for points of the plane and for earlier runs."""
    path = folder_of(home(run_id), store(run_id).get(run_id).id) / EXPLAINED
    return Explained.of(artifacts.load_arrays(path)) if path.exists() else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Plane:
    """The nearest-neighbour classifier in the unit square: where it says which class, and where that is proven at eps.

    x, y           (m, 2) float64 condensed points and their classes, (m,) int64
    says, proven   label -> convex polygons (k, 2) that do not overlap
    """

    x: np.ndarray
    y: np.ndarray
    says: Mapping[int, list[np.ndarray]]
    proven: Mapping[int, list[np.ndarray]]


def in_plane(run_id: str, norm: Norm, eps: float) -> Plane | None:
    """The regions of a run on points of the plane; None for images, and for more points than are drawn at once."""
    path = folder_of(home(run_id), store(run_id).get(run_id).id) / "condensed.npz"
    if not path.exists():
        return None
    condensed = artifacts.load_condensed(path)
    if condensed.x[0].size != 2 or len(condensed) > MOST_IN_PLANE:
        return None
    x = condensed.x.reshape(-1, 2).astype(np.float64)
    y = condensed.y if condensed.soft_labels is None else condensed.soft_labels.argmax(1)
    return Plane(x=x, y=y, says=regions(x, y, norm, 0.0), proven=regions(x, y, norm, eps))


def thumbnails(found: Explained) -> list[bytes]:
    """A PNG of each image, in the order of `found`."""
    return [to_png(picture(image)) for image in found.x]


def pictures(run_id: str, found: Explained, image: int, norm: str) -> Pictures:
    """The condensed images that decide about one image, and the smallest attack found on it in a norm."""
    place = found.norms.tolist().index(norm)
    centres = artifacts.load_condensed(folder_of(home(run_id), run_id) / "condensed.npz").x
    own, foreign, keeper, rival = (
        to_png(picture(centres[which])) if which >= 0 else None
        for which in (found.own[image], found.foreign[image], found.keeper[place, image], found.rival[place, image])
    )
    attacked = change = None
    if np.isfinite(found.size[place, image]) and found.size[place, image] > 0:
        after, clean = found.attacked[place, image], found.x[image]
        full = float(np.abs(after - clean).max()) or 1.0
        attacked, change = to_png(picture(after)), to_png(picture(enlarged(clean, after, full)))
    return Pictures(own=own, foreign=foreign, keeper=keeper, rival=rival, attacked=attacked, change=change)
