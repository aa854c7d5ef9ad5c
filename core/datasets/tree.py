"""A folder or a zip as a list of image files, with every entry of a zip distrusted.

Zips are read in memory, never unpacked to disk, so a path that would escape can do no harm; it is refused all the
same, because nobody makes one by accident.
"""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
MOST_FILES, MOST_BYTES, MOST_RATIO = 300_000, 4_000_000_000, 200
IMAGE_BYTES = 50_000_000  # of one image file


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One image file: its path from the top of the tree, and how to get its bytes."""

    path: PurePosixPath
    read: Callable[[], bytes]


def of_folder(folder: Path) -> list[Entry]:
    """Image files of a folder in a fixed order; links that lead outside are left out."""
    root = folder.resolve()
    entries = []
    for path in sorted(folder.rglob("*")):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        if _is_image(relative) and path.is_file() and path.resolve().is_relative_to(root):
            entries.append(Entry(path=relative, read=path.read_bytes))
    return entries


def of_zip(archive: zipfile.ZipFile, name: str) -> list[Entry]:
    """Image files of an open zip in a fixed order.

    raises  DataError for paths that escape, links, encryption, and archives that unpack to too much
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    total, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if len(infos) > MOST_FILES or total > MOST_BYTES or total > MOST_RATIO * max(packed, 100_000):
        raise DataError(
            f"{name} holds {len(infos):,} files that unpack from {packed / 1e6:.1f} to {total / 1e6:.1f} MB; allowed"
            f" are {MOST_FILES:,} files, {MOST_BYTES / 1e6:,.0f} MB and a ratio of {MOST_RATIO}"
        )
    entries = []
    for info in sorted(infos, key=lambda i: i.filename):
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
            raise DataError(f"{name} has an entry that leaves the archive, {info.filename!r}: it is not opened")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{name} has a symbolic link, {info.filename!r}: put the file itself there")
        if info.flag_bits & 1:
            raise DataError(f"{name} is encrypted ({info.filename!r}): save it without a password")
        if _is_image(path):
            entries.append(Entry(path=path, read=lambda info=info: _bytes(archive, info)))
    return entries


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        content = file.read(IMAGE_BYTES + 1)
    if len(content) > IMAGE_BYTES:
        raise DataError(f"{info.filename} is larger than {IMAGE_BYTES / 1e6:.0f} MB: no image of a data set is")
    return content


def _is_image(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not hidden
