"""Points of the plane: the toys as lists for Play, drawn points as a data set like any other, and those of a record."""

import functools
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.api.workplace import home, store
from core.datasets import load, save_upload
from core.errors import DataError
from core.events import finish
from core.jobs import cache
from core.jobs.files import UPLOADS
from core.types import DataConfig, Split

TOYS = ("moons", "circles", "blobs", "spirals")
POINTS = 200  # of each split: as many as a browser follows while they are dragged
MOST_TRAIN = 2_000  # train points of a record that a page draws
OWN = "play-"  # what the files of drawn points begin with
Points = tuple[np.ndarray, np.ndarray, np.ndarray]


@functools.cache
def toys() -> dict[str, dict[str, Any]]:
    """The first 200 train and test points of every toy, each {xy: [x, y, x, ...], y: [...]}, and its classes."""
    found = {}
    for name in TOYS:
        data = finish(load(DataConfig(name=name), root=Path()))
        found[name] = {"classes": data.n_classes, "train": _listed(data.train), "test": _listed(data.test)}
    return found


def keep_points(name: str, train: Mapping[str, Sequence[float]], test: Mapping[str, Sequence[float]]) -> DataConfig:
    """Store points as an .npz under data/ and return the settings that load it; equal points are one file.

    train, test  {xy: [x, y, x, ...] in [0, 1], y: [...]} as from `toys`
    raises       DataError when they are no points
    """
    arrays: dict[str, np.ndarray] = {}
    for split, points in (("train", train), ("test", test)):
        xy, y = np.asarray(points["xy"], np.float32), np.asarray(points["y"], np.int64)
        if xy.size != 2 * y.size or not y.size:
            raise DataError(
                f"{split} points must be two numbers and a class each, got {xy.size} and {y.size}: add some"
            )
        arrays |= {f"x_{split}": xy.reshape(-1, 2), f"y_{split}": y}
    file = io.BytesIO()
    np.savez(file, **dict[str, Any](arrays))
    content = b"".join(array.tobytes() for array in arrays.values())
    stamp = hashlib.blake2b(content, digest_size=4).hexdigest()
    file.seek(0)
    return DataConfig(name=str(save_upload(f"{OWN}{name}-{stamp}.npz", file, home() / "data" / UPLOADS)))


def is_plane(name: str) -> bool:
    """Whether a data set, by its name or path, holds points of the plane as far as a name tells: a toy, or drawn."""
    return name in TOYS or Path(name).name.startswith(OWN)


def of_record(run_id: str) -> tuple[Points, Points] | None:
    """Train points, at most 2,000, and a few test points of a run on them, each as rows (n,), places (n, 2) and labels.

    returns  None for images
    raises   RunError when the cache does not hold them any more
    """
    folder, data_hash = home(run_id) / "cache", store(run_id).get(run_id).data_hash
    train, _ = cache.opened(folder, data_hash)
    if int(np.prod(train.shape)) != 2:
        return None
    rows = np.arange(min(len(train), MOST_TRAIN))
    tested, x, y = cache.tests(folder, data_hash)
    return (rows, train.pixels(rows).reshape(-1, 2), train.y[rows]), (tested, x.reshape(-1, 2), y)


def _listed(split: Split) -> dict[str, list[float]]:
    """Floats as short as float32 needs them."""
    xy = split.x[:POINTS].reshape(-1)
    return {"xy": [float(str(value)) for value in xy], "y": split.y[:POINTS].tolist()}
