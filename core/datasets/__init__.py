"""The table of data sets, and the one function that loads any of them."""

from dataclasses import replace
from pathlib import Path

from core.datasets.arrays import assemble
from core.datasets.describe import Description, describe, preview, source
from core.datasets.readers import READERS, reader_of
from core.datasets.split import limited
from core.datasets.together import form_of, save_together
from core.datasets.upload import save_upload
from core.errors import DataError
from core.events import Work
from core.types import OF_SOURCE, DataConfig, Dataset, Loader, Named, Understood
from core.types.plugins import extend

__all__ = [
    "DATASETS",
    "READERS",
    "Description",
    "describe",
    "form_of",
    "load",
    "preview",
    "save_together",
    "save_upload",
    "source",
    "understand",
]

MOST_SHOWN = 80  # letters of a path in a sentence
TORCHVISION = "torchvision"

DATASETS: dict[str, Loader] = {
    "digits": Loader(
        title="Digits, 8×8", kind="embedded", source="scikit-learn", load=Named("core.datasets.digits:load")
    ),
    "moons": Loader(
        title="Two moons, 2-D", kind="embedded", source="drawn at random", load=Named("core.datasets.toys:load_moons")
    ),
    "circles": Loader(
        title="Two circles, 2-D",
        kind="embedded",
        source="drawn at random",
        load=Named("core.datasets.toys:load_circles"),
    ),
    "blobs": Loader(
        title="Three blobs, 2-D", kind="embedded", source="drawn at random", load=Named("core.datasets.toys:load_blobs")
    ),
    "spirals": Loader(
        title="Three spirals, 2-D",
        kind="embedded",
        source="drawn at random",
        load=Named("core.datasets.toys:load_spirals"),
    ),
    "mnist": Loader(title="MNIST", kind="download", source=TORCHVISION, load=Named("core.datasets.download:mnist")),
    "fashion-mnist": Loader(
        title="FashionMNIST", kind="download", source=TORCHVISION, load=Named("core.datasets.download:fashion_mnist")
    ),
    "kmnist": Loader(title="KMNIST", kind="download", source=TORCHVISION, load=Named("core.datasets.download:kmnist")),
    "svhn": Loader(title="SVHN", kind="download", source=TORCHVISION, load=Named("core.datasets.download:svhn")),
    "cifar10": Loader(
        title="CIFAR-10", kind="download", source=TORCHVISION, load=Named("core.datasets.download:cifar10")
    ),
    "cifar100": Loader(
        title="CIFAR-100", kind="download", source=TORCHVISION, load=Named("core.datasets.download:cifar100")
    ),
}

extend("DATASETS", DATASETS)


def load(config: DataConfig, *, root: Path) -> Work[Dataset]:
    """Load a data set by its name in the table or by its path, then take `limit` train images of each class.

    root     the folder where downloads live
    yields   Progress with stage "load"
    raises   DataError when there is no such data set, it is malformed, or does not tell what black and white are
    """
    understood, dataset = yield from understand(config, root=root)
    if dataset is None:
        assert understood is not None
        raise DataError(understood.range.sentence)
    return dataset


def understand(config: DataConfig, *, root: Path) -> Work[tuple[Understood | None, Dataset | None]]:
    """As `load`, with how the source was understood; the data set is None where a question has to be answered first.

    Ready-made data sets need no understanding and give None for it.
    """
    loader = DATASETS.get(config.name.lower())
    if loader is not None:
        if any(getattr(config, name) for name in OF_SOURCE if name != "resize"):
            raise DataError(f"{config.name} is ready-made: leave --range, --shape and --skip-bad out")
        found: Dataset = yield from loader.load(config, root=root)
        understood, dataset = found.understood, found
    else:
        understood, asked = yield from _from_path(config)
        if asked is None:
            return understood, None
        dataset = asked
    if config.limit is None:
        return understood, dataset
    rows = limited(dataset.train.y, config.limit, seed=config.seed)
    return understood, replace(dataset, train=dataset.train.take(rows))


def _existing(name: str) -> Path | None:
    """The path of that name, or None where there is nothing, or where it cannot be one."""
    try:
        path = Path(name).expanduser()
        return path if name.strip() and path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, no such user
        return None


def _from_path(config: DataConfig) -> Work[tuple[Understood, Dataset | None]]:
    path = _existing(config.name)
    if path is None:
        shown = config.name if len(config.name) <= MOST_SHOWN else f"{config.name[:MOST_SHOWN]}…"
        raise DataError(f"there is no data set {shown!r}: expected a path that exists, or one of {', '.join(DATASETS)}")
    reader = reader_of(path)
    if reader is None:
        raise DataError(
            f"{path.name} is neither .npz, .zip nor a folder of class folders, nor a pair of .npy, IDX, CSV, parquet "
            "or a batch of CIFAR: unpack it if it is an archive"
        )
    found = yield from reader.read(path, config)
    return (yield from assemble(found, config))
