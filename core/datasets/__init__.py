"""The table of data sets, and the one function that loads any of them."""

from dataclasses import replace
from pathlib import Path

from core.datasets import digits, toys
from core.datasets.split import limited
from core.errors import DataError
from core.events import Work
from core.types import DataConfig, Dataset, Loader

DATASETS: dict[str, Loader] = {
    "digits": Loader(title="Digits, 8×8", kind="embedded", source="scikit-learn", load=digits.load),
    "moons": Loader(title="Two moons, 2-D", kind="embedded", source="scikit-learn", load=toys.load_moons),
    "circles": Loader(title="Two circles, 2-D", kind="embedded", source="scikit-learn", load=toys.load_circles),
    "blobs": Loader(title="Three blobs, 2-D", kind="embedded", source="scikit-learn", load=toys.load_blobs),
    "spirals": Loader(title="Three spirals, 2-D", kind="embedded", source="drawn at random", load=toys.load_spirals),
}


def load(config: DataConfig, *, root: Path) -> Work[Dataset]:
    """Load a data set by its name in the table or by its path, then take `limit` train images of each class.

    root     the folder where downloads live
    yields   Progress with stage "load"
    raises   DataError when there is no such data set, or it is malformed
    """
    loader = DATASETS.get(config.name.lower())
    if loader is None:
        raise DataError(
            f"there is no data set {config.name!r}: expected a path that exists, or one of {', '.join(DATASETS)}"
        )
    dataset = yield from loader.load(config, root=root)
    if config.limit is None:
        return dataset
    rows = limited(dataset.train.y, config.limit, seed=config.seed)
    return replace(dataset, train=dataset.train.take(rows))
