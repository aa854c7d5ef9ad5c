"""Arrays that somebody brings as an .npz: x_train, y_train and perhaps x_test, y_test, or as others name them.

Known are also train_images and train_labels (MedMNIST), images and labels, data and target, X and y, in any case, with
x_val or val_images for validation. Nothing is unpickled, and nothing is read before the sizes in the archive's
directory were looked at.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.datasets.found import PARTS, Array, Found, Part
from core.datasets.readers.roles import NAMES, roles
from core.engine import limits
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

CLASSES = ("classes", "class_names", "classnames", "label_names", "target_names", "names")


def read(path: Path, config: DataConfig) -> Work[Found]:
    """The arrays of an .npz as they are stored.

    raises  DataError when the file is no archive of plain arrays, or too large
    """
    with path.open("rb") as file:
        return (yield from _read(file, path, (), ()))


def read_bytes(content: bytes, path: Path, config: DataConfig, rest: Iterable[LeftOut], note: str) -> Work[Found]:
    """The arrays of an .npz whose bytes came in a zip, beside files that are left out."""
    return (yield from _read(io.BytesIO(content), path, tuple(rest), (note,)))


def _read(stream: BinaryIO, path: Path, rest: tuple[LeftOut, ...], notes: tuple[str, ...]) -> Work[Found]:
    limits.arrays(stream, path.name)
    try:
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise DataError(f"{path.name} is a single array, expected an .npz with {', '.join(NAMES)}")
            chosen, left = roles(file.files, path.name)
            wanted = {name: role for name, role in chosen.items() if role is not None}
            arrays: dict[tuple[Part, str], Array] = {}
            for done, (name, role) in enumerate(wanted.items()):
                yield Progress(stage="load", done=done, total=len(wanted), unit="arrays", note=f"reading {name}")
                arrays[role] = file[name]
            classes, said = _classes(file, left)
    except ValueError as error:
        if "pickle" in str(error).lower() or "object arrays" in str(error).lower():
            raise DataError(f"{path.name} holds pickled objects, which are never opened: save plain arrays") from None
        raise DataError(f"{path.name} cannot be read as arrays: {error}") from None
    except (OSError, EOFError, KeyError, SyntaxError, TypeError, MemoryError, NotImplementedError, zlib.error,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise DataError(f"{path.name} cannot be read: {error}; is it complete?") from None
    called = {role: name for name, role in wanted.items()}
    return Found(
        name=path.stem, source=str(path), layout="arrays in an .npz",
        x={part: arrays[part, "x"] for part in PARTS if (part, "x") in arrays},
        y={part: arrays[part, "y"] for part in PARTS if (part, "y") in arrays},
        called={part: (called.get((part, "x"), ""), called.get((part, "y"), "")) for part in PARTS},
        classes=classes,
        left_out=(*rest, *(LeftOut(file=name, why="neither images nor labels by its name") for name in left)),
        notes=(*notes, *said),
    )  # fmt: skip


def _classes(file: Mapping[str, Array], left: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Names of classes by label where an array of texts has them; its name leaves the list of what is left."""
    for name in [name for name in left if name.lower() in CLASSES]:
        array = file[name]
        if array.ndim == 1 and array.dtype.kind in "US" and len(array):
            left.remove(name)
            try:
                texts = [t.decode("utf-8") if isinstance(t, bytes) else str(t) for t in array.tolist()]
            except UnicodeDecodeError:
                raise DataError(f"{name} holds names that are no UTF-8: save them as text") from None
            return tuple(texts), []
    return (), []
