"""IDX files as MNIST and its relatives come: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, also as .gz.

Source of the format: LeCun, Cortes and Burges, The MNIST database. A header of 4 + 4·d bytes says what follows, and a
file must hold exactly that.
"""

import gzip
import re
import zlib
from pathlib import Path

import numpy as np

from core.datasets.found import PARTS, Array, Found, Part
from core.datasets.names import WITHIN, listed, ordered
from core.datasets.readers import forms, places
from core.engine import limits
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

KINDS = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 4


def read(path: Path, config: DataConfig) -> Work[Found]:
    """The parts in a folder of IDX files, or beside the file that was named.

    raises  DataError when a part lacks its images or labels, two files claim one place, or a header lies
    """
    folder = places.folder_of(path, forms.idx)
    assert folder is not None, "the table of readers asked before"
    chosen, left = _chosen(folder, path)
    arrays: dict[tuple[Part, str], Array] = {}
    for done, (role, file) in enumerate(chosen.items()):
        yield Progress(stage="load", done=done, total=len(chosen), unit="files", note=f"reading {file.name}")
        arrays[role] = array(file)
    for part in PARTS:
        if ((part, "images") in arrays) != ((part, "labels") in arrays):
            have, lack = ("images", "labels") if (part, "images") in arrays else ("labels", "images")
            raise DataError(f"{folder.name} has {chosen[part, have].name} and no {lack} for it: put them beside")
    parts = [part for part in PARTS if (part, "images") in arrays]
    called = {part: (chosen[part, "images"].name, chosen[part, "labels"].name) for part in parts}
    return Found(
        name=path.name if path.is_dir() else path.parent.name, source=str(path), layout="IDX files",
        x={part: arrays[part, "images"] for part in parts}, y={part: arrays[part, "labels"] for part in parts},
        called=called, depth=255 if all(arrays[part, "images"].dtype == np.uint8 for part in parts) else 0,
        left_out=tuple(LeftOut(file=name, why="no IDX file, or the same one packed") for name in left),
    )  # fmt: skip


def _chosen(folder: Path, path: Path) -> tuple[dict[tuple[Part, str], Path], list[str]]:
    """The file of each part and kind; of a family of files, as EMNIST has, those named like the one that was given."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    family = _family(path.name) if path.is_file() else None
    chosen: dict[tuple[Part, str], Path] = {}
    left = []
    for file in files:
        match = forms.IDX.search(file.name)
        if match is None or (family is not None and _family(file.name) != family):
            left.append(file.name)
            continue
        role = (_part(file.name), match.group(1).lower())
        if role in chosen and chosen[role].name.removesuffix(".gz") != file.name.removesuffix(".gz"):
            names = listed(ordered((chosen[role].name, file.name)))
            raise DataError(f"{folder.name} has several sets, {names} among them: give the path of one of the files")
        if role in chosen:
            left.append(file.name)  # the same file, packed
        chosen.setdefault(role, file)
    return chosen, left


def _family(name: str) -> str:
    words = re.split(r"[-._]", forms.IDX.sub("", name).lower())
    return "-".join(word for word in words if word and word not in WITHIN and word != "t10k")


def _part(name: str) -> Part:
    words = re.split(r"[-._]", name.lower())
    return "test" if "t10k" in words else next((WITHIN[word] for word in words if word in WITHIN), "train")


def array(file: Path) -> Array:
    """The array in an IDX file, plain or gzipped.

    raises  DataError when the header or the length is wrong
    """
    try:
        packed = file.stat().st_size
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as stream:
            head = stream.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in KINDS or not 1 <= head[3] <= MOST_AXES:
                raise DataError(f"{file.name} is no IDX file: its first bytes are {head.hex(' ') or 'missing'}")
            shape = tuple(int(n) for n in np.frombuffer(stream.read(4 * head[3]), ">u4"))
            kind = np.dtype(KINDS[head[2]])
            size = int(np.prod(shape, dtype=object)) * kind.itemsize
            limits.refuse(file.name, decoded=size, packed=packed)
            content = stream.read(size + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{file.name} cannot be read: {error}; is it complete?") from None
    if len(shape) != head[3] or len(content) != size:
        there = f"{len(content):,} bytes follow" if len(content) < size else "more follow"
        raise DataError(f"{file.name} says that it holds {size:,} bytes and {there}: fetch it again")
    return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="))
