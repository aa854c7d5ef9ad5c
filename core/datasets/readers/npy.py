"""Single arrays that belong together: x_train.npy and y_train.npy, images.npy and labels.npy, in one folder."""

import io
from pathlib import Path

import numpy as np

from core.datasets.found import PARTS, Array, Found, Part
from core.datasets.readers import forms, places
from core.datasets.readers.roles import roles
from core.engine import limits
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

HEADER = 100_000  # bytes in which the header of an array must end


def read(path: Path, config: DataConfig) -> Work[Found]:
    """The arrays of a folder, or beside the one that was named, by the names that an .npz would have.

    raises  DataError when images or labels are missing, or a file is no plain array
    """
    folder = places.folder_of(path, forms.npy, 0)
    assert folder is not None, "the table of readers asked before"
    files = {file.stem: file for file in sorted(folder.iterdir()) if file.suffix.lower() == ".npy" and file.is_file()}
    chosen, left = roles(list(files), folder.name)
    arrays: dict[tuple[Part, str], Array] = {}
    for done, (stem, role) in enumerate(chosen.items()):
        yield Progress(stage="load", done=done, total=len(chosen), unit="files", note=f"reading {stem}.npy")
        arrays[role] = array(files[stem])
    others = [f"{stem}.npy" for stem in left]
    others += [file.name for file in sorted(folder.iterdir()) if file.is_file() and file.suffix.lower() != ".npy"]
    names = {role: f"{stem}.npy" for stem, role in chosen.items()}
    return Found(
        name=path.name if path.is_dir() else path.parent.name, source=str(path), layout="single arrays",
        x={part: arrays[part, "x"] for part in PARTS if (part, "x") in arrays},
        y={part: arrays[part, "y"] for part in PARTS if (part, "y") in arrays},
        called={part: (names.get((part, "x"), ""), names.get((part, "y"), "")) for part in PARTS},
        left_out=tuple(LeftOut(file=name, why="neither images nor labels by its name") for name in others),
    )  # fmt: skip


def array(file: Path) -> Array:
    """The array of an .npy file, never unpickled.

    raises  DataError when it is none, holds objects, or is shorter than its header says
    """
    try:
        content = file.read_bytes()
        head = io.BytesIO(content[:HEADER])
        shape, _, kind = limits.READ_HEADER[np.lib.format.read_magic(head)](head)
        size = int(np.prod(shape, dtype=object)) * kind.itemsize
        limits.refuse(file.name, decoded=size, packed=len(content))
        if kind.hasobject:
            raise DataError(f"{file.name} holds pickled objects, which are never opened: save plain arrays")
        if len(content) - head.tell() != size:
            there = len(content) - head.tell()
            raise DataError(f"{file.name} says that it holds {size:,} bytes and has {there:,}: save it again")
        found: Array = np.load(io.BytesIO(content), allow_pickle=False)
        return found
    except limits.DAMAGED as error:
        raise DataError(f"{file.name} is no readable array: {error}") from None
