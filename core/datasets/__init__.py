"""The table of data sets, and the one function that loads any of them."""

from dataclasses import replace
from pathlib import Path

from core.datasets import digits, download, folder, npz, toys
from core.datasets.arrays import assemble
from core.datasets.describe import Description, describe, preview
from core.datasets.split import limited
from core.datasets.upload import save_upload
from core.errors import DataError
from core.events import Work
from core.types import DataConfig, Dataset, Loader

__all__ = ["DATASETS", "Description", "describe", "load", "preview", "save_upload"]

TORCHVISION = "torchvision"

DATASETS: dict[str, Loader] = {
    "digits": Loader(title="Digits, 8×8", kind="embedded", source="scikit-learn", load=digits.load),
    "moons": Loader(title="Two moons, 2-D", kind="embedded", source="drawn at random", load=toys.load_moons),
    "circles": Loader(title="Two circles, 2-D", kind="embedded", source="drawn at random", load=toys.load_circles),
    "blobs": Loader(title="Three blobs, 2-D", kind="embedded", source="drawn at random", load=toys.load_blobs),
    "spirals": Loader(title="Three spirals, 2-D", kind="embedded", source="drawn at random", load=toys.load_spirals),
    "mnist": Loader(title="MNIST", kind="download", source=TORCHVISION, load=download.LOADERS["mnist"]),
    "fashion-mnist": Loader(
        title="FashionMNIST", kind="download", source=TORCHVISION, load=download.LOADERS["fashion-mnist"]
    ),
    "kmnist": Loader(title="KMNIST", kind="download", source=TORCHVISION, load=download.LOADERS["kmnist"]),
    "svhn": Loader(title="SVHN", kind="download", source=TORCHVISION, load=download.LOADERS["svhn"]),
    "cifar10": Loader(title="CIFAR-10", kind="download", source=TORCHVISION, load=download.LOADERS["cifar10"]),
    "cifar100": Loader(title="CIFAR-100", kind="download", source=TORCHVISION, load=download.LOADERS["cifar100"]),
}


def load(config: DataConfig, *, root: Path) -> Work[Dataset]:
    """Load a data set by its name in the table or by its path, then take `limit` train images of each class.

    root     the folder where downloads live
    yields   Progress with stage "load"
    raises   DataError when there is no such data set, or it is malformed
    """
    loader = DATASETS.get(config.name.lower())
    if loader is not None:
        dataset = yield from loader.load(config, root=root)
    else:
        dataset = yield from _from_path(config)
    if config.limit is None:
        return dataset
    rows = limited(dataset.train.y, config.limit, seed=config.seed)
    return replace(dataset, train=dataset.train.take(rows))


def _from_path(config: DataConfig) -> Work[Dataset]:
    path = Path(config.name).expanduser()
    if "\0" in config.name or len(path.name) > 255:
        raise DataError(f"{config.name[:40]!r}… is no path: expected one that exists, or one of {', '.join(DATASETS)}")
    if path.is_dir():
        raw = yield from folder.read_folder(path, config.resize)
    elif not path.is_file():
        raise DataError(
            f"there is no data set {config.name!r}: expected a path that exists, or one of {', '.join(DATASETS)}"
        )
    elif path.suffix.lower() == ".npz":
        raw = yield from npz.read(path)
    elif path.suffix.lower() == ".zip":
        raw = yield from folder.read_zip(path, config.resize)
    else:
        raise DataError(f"{path.name} is neither .npz, .zip nor a folder of class folders")
    return assemble(raw, seed=config.seed)
