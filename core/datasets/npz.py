"""Arrays that somebody brings: an .npz with x_train, y_train and perhaps x_test, y_test.

Nothing is unpickled, and nothing is read before the sizes in the archive's directory were looked at.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.datasets.arrays import Raw
from core.errors import DataError
from core.events import Progress, Work

NAMES = ("x_train", "y_train", "x_test", "y_test")
MOST_BYTES = 8_000_000_000  # of all arrays together, unpacked


def read(path: Path) -> Work[Raw]:
    """The four arrays, by name in any case; others are left unread.

    raises  DataError when the file is no archive of plain arrays, or too large
    """
    _check_size(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            members = {name.lower(): name for name in file.files}
            wanted = [name for name in NAMES if name in members]
            arrays = {}
            for done, name in enumerate(wanted):
                yield Progress(stage="load", done=done, total=len(wanted), unit="arrays", note=f"reading {name}")
                arrays[name] = file[members[name]]
            if "x_train" not in arrays:
                found = ", ".join(file.files[:8]) or "nothing"
                raise DataError(f"{path.name} has no x_train, it has: {found}; name the arrays {', '.join(NAMES)}")
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise DataError(f"{path.name} holds pickled objects, which are never opened: save plain arrays") from None
        raise DataError(f"{path.name} cannot be read as arrays: {error}") from None
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} cannot be read: {error}; is it complete?") from None
    return Raw(name=path.stem, source=str(path), arrays=arrays)


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(_sizes(archive))
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path.name} is no readable .npz archive: {error}") from None
    if total > MOST_BYTES:
        raise DataError(f"{path.name} unpacks to {total / 1e9:.1f} GB, at most {MOST_BYTES / 1e9:.0f} GB are opened")


def _sizes(archive: zipfile.ZipFile) -> Iterator[int]:
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise DataError(f"{info.filename} in the archive is encrypted: save it without a password")
        yield info.file_size


def class_names(path: Path) -> tuple[str, ...]:
    """The optional array `classes` of names by label, or empty."""
    with np.load(path, allow_pickle=False) as file:
        return tuple(str(name) for name in file["classes"]) if "classes" in file.files else ()
