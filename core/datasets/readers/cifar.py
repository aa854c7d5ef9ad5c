"""CIFAR-10 and CIFAR-100 as their authors publish them for Python: data_batch_1 … and test_batch, or train and test.

Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html. The batches are pickles, read by
`core.datasets.readers.plain_pickle`, which builds arrays and plain values and nothing else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.found import PARTS, Array, Found, Part
from core.datasets.names import listed
from core.datasets.readers import forms, places, plain_pickle
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

TEN, HUNDRED = "batches.meta", "meta"  # files with the names of the classes
LABELS = ("labels", "fine_labels")
NAMES = ("label_names", "fine_label_names")


def read(path: Path, config: DataConfig) -> Work[Found]:
    """The batches of a folder, (n, 3, 32, 32) bytes, with the names of the classes.

    raises  DataError when a batch is damaged, asks for more than plain values, or has other shapes
    """
    folder = places.folder_of(path, forms.cifar)
    assert folder is not None, "the table of readers asked before"
    files = _files(folder)
    x: dict[Part, list[Array]] = {part: [] for part in PARTS}
    y: dict[Part, list[Array]] = {part: [] for part in PARTS}
    for done, (file, part) in enumerate(files.items()):
        yield Progress(stage="load", done=done, total=len(files), unit="files", note=f"reading {file.name}")
        images, labels = _batch(file)
        x[part].append(images)
        y[part].append(labels)
    parts = [part for part in PARTS if x[part]]
    meta = next((folder / name for name in (TEN, HUNDRED) if (folder / name).is_file()), None)
    known = {*files, meta}
    others = [file.name for file in sorted(folder.iterdir()) if file.is_file() and file not in known]
    return Found(
        name=path.name, source=str(path), layout="CIFAR's batches for Python",
        x={part: np.concatenate(x[part]) for part in parts}, y={part: np.concatenate(y[part]) for part in parts},
        called={part: (f"the {part} images", f"the {part} labels") for part in PARTS},
        classes=_names(meta) if meta else (), depth=255, shaped="channels first",
        left_out=tuple(LeftOut(file=name, why="no batch by its name") for name in others),
    )  # fmt: skip


def _files(folder: Path) -> dict[Path, Part]:
    found: dict[Path, Part] = dict.fromkeys(sorted(folder.glob("data_batch_*")), "train")
    others: dict[str, Part] = {"test_batch": "test", "train": "train", "test": "test"}
    found |= {folder / name: part for name, part in others.items() if (folder / name).is_file()}
    if "train" not in found.values():
        there = listed(sorted(file.name for file in folder.iterdir()))
        raise DataError(f"{folder.name} has no batch of train images, it has: {there}")
    return found


def _batch(file: Path) -> tuple[Array, Array]:
    found = _texts(plain_pickle.loads(file.read_bytes(), file.name), file)
    images, labels = found.get("data"), next((found[name] for name in LABELS if name in found), None)
    if not isinstance(images, np.ndarray) or images.ndim != 2 or images.shape[1] != 3072 or images.dtype != np.uint8:
        raise DataError(f"{file.name} has no array `data` of (n, 3072) bytes: is it a batch of CIFAR?")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise DataError(f"{file.name} has no list of labels: is it a batch of CIFAR?")
    try:
        return images.reshape(-1, 3, 32, 32), np.array(labels, np.int64)
    except OverflowError:
        raise DataError(f"{file.name} has labels beyond all bounds: is it a batch of CIFAR?") from None


def _names(meta: Path) -> tuple[str, ...]:
    found = _texts(plain_pickle.loads(meta.read_bytes(), meta.name), meta)
    names: list[Any] = next((found[name] for name in NAMES if isinstance(found.get(name), list)), [])
    return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names)


def _texts(value: Any, file: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{file.name} holds no dictionary: is it a batch of CIFAR?")
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): inner for key, inner in value.items()}
