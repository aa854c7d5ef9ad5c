"""Loaded data sets as plain arrays under cache/<hash>/, so that a page can map thumbnails into memory.

The folder appears in one step and its arrays are never changed afterwards; equal pixels share it. A few test images
lie beside them, to choose from on the page that attacks them.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np

from core.errors import RunError
from core.evaluation.playback import choose_each
from core.runs import artifacts
from core.types import Dataset, TrainSplit

TESTS, MOST_TESTS = 12, 600  # test images of each class that a page may show, and of all


def keep(dataset: Dataset, cache: Path) -> Path:
    """Write x_train.npy, y_train.npy and about.json of a data set unless they are there; the folder."""
    folder = cache / dataset.hash
    if folder.exists():
        _keep_tests(dataset, folder)
        return folder
    temporary = cache / f".{dataset.hash}.{os.getpid()}{artifacts.TEMPORARY}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        np.save(temporary / "x_train.npy", dataset.train.x, allow_pickle=False)
        np.save(temporary / "y_train.npy", dataset.train.y, allow_pickle=False)
        about = {"classes": list(dataset.classes), "levels": dataset.train.levels, "name": dataset.name}
        (temporary / "about.json").write_text(json.dumps(about), encoding="utf-8")
        try:
            os.replace(temporary, folder)
        except OSError:
            if not folder.exists():  # else another process was faster with the same pixels
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _keep_tests(dataset, folder)
    return folder


def _keep_tests(dataset: Dataset, folder: Path) -> None:
    """Write test.npz unless it is there: a few test images of each class, chosen at random."""
    if (folder / "test.npz").exists():
        return
    rows = choose_each(dataset.test, min(TESTS * dataset.n_classes, MOST_TESTS), 0)
    images = {"rows": rows, "x": dataset.test.pixels(rows), "y": dataset.test.y[rows]}
    artifacts.save_arrays(folder / "test.npz", images)


def tests(cache: Path, data_hash: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows in the test split (n,), images (n, c, h, w) in [0, 1] and labels (n,) of a few test images, by class.

    raises  RunError when they were never kept here
    """
    path = cache / data_hash / "test.npz"
    if not data_hash or not path.exists():
        raise RunError("no test images of this run are kept yet: an attack keeps some to choose from")
    found = artifacts.load_arrays(path)
    return found["rows"], found["x"], found["y"]


def opened(cache: Path, data_hash: str) -> tuple[TrainSplit, tuple[str, ...]]:
    """The train split, mapped into memory, with the names of its classes.

    raises  RunError when it was never loaded here or the cache was emptied
    """
    folder = cache / data_hash
    if not data_hash or not folder.exists():
        raise RunError("the train images of this run are not in cache/ any more: run it again to load them")
    about = artifacts.load_json(folder / "about.json")
    x = np.load(folder / "x_train.npy", mmap_mode="r", allow_pickle=False)
    y = np.load(folder / "y_train.npy", allow_pickle=False)
    return TrainSplit(x=x, y=y, levels=about["levels"]), tuple(about["classes"])
