"""Loaded data sets as plain arrays under cache/<hash>/, so that a page can map thumbnails into memory.

Each file appears in one step, about.json last, and is never changed afterwards; equal pixels share them. A few test
images lie beside them, to choose from on the page that attacks them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.engine import artifacts, trouble, writing
from core.engine.job import Job
from core.errors import DataError, RunError
from core.evaluation.sample import choose_each
from core.types import Dataset, TrainSplit

TESTS, MOST_TESTS = 12, 600  # test images of each class that a page may show, and of all


def keep(dataset: Dataset, job: Job) -> Path:
    """Write x_train.npy, y_train.npy and about.json of a data set unless they are there; the folder.

    Files that differ from the data are moved aside and written anew.
    """
    folder, train = job.cache / dataset.hash, dataset.train
    about = {"classes": list(dataset.classes), "levels": train.levels, "name": dataset.name}
    same = {"x_train.npy": _holds(train.x), "y_train.npy": _holds(train.y), "about.json": artifacts.load_json}
    whole = folder.exists()
    for name, read in same.items() if whole else ():
        whole &= job.kept(folder / name, read) is not None
    if not whole:
        for name, array in (("x_train.npy", train.x), ("y_train.npy", train.y)):
            with writing.replacing(folder / name) as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        writing.save_json(folder / "about.json", about)
    if job.kept(folder / "test.npz", artifacts.load_arrays) is None:
        some = MOST_TESTS if train.x[0].size == 2 else min(TESTS * dataset.n_classes, MOST_TESTS)  # points cost nothing
        rows = choose_each(dataset.test, some, 0)
        images = {"rows": rows, "x": dataset.test.pixels(rows), "y": dataset.test.y[rows]}
        artifacts.save_arrays(folder / "test.npz", images)
    return folder


def _holds(array: np.ndarray) -> Callable[[Path], bool]:
    """A reader that refuses a file which does not hold exactly this array."""

    def read(path: Path) -> bool:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if found.dtype != array.dtype or not np.array_equal(found, array):
            raise DataError(f"{path.name} does not hold the images it is named after")
        return True

    return read


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
    if not data_hash or not (folder / "about.json").exists():
        raise RunError("the train images of this run are not in cache/ any more: run it again to load them")
    try:
        about = artifacts.load_json(folder / "about.json")
        x = np.load(folder / "x_train.npy", mmap_mode="r", allow_pickle=False)
        y = np.load(folder / "y_train.npy", allow_pickle=False)
    except OSError as error:
        raise trouble.of_files(error, folder) from None
    except (DataError, ValueError, EOFError):
        raise RunError("the train images of this run in cache/ are damaged: run it again to write them anew") from None
    return TrainSplit(x=x, y=y, levels=about["levels"]), tuple(about["classes"])
