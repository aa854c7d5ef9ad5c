"""How much an archive may grow to when it is decoded, counted from headers before anything is decoded.

A few megabytes of zip can hold gigabytes of black pixels, and a header of a hundred bytes can declare an array of any
size. Every reader asks here first. Cost: the directory of the archive and about a hundred bytes of each array.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.engine import trouble
from core.errors import DataError

MOST_BYTES = 8_000_000_000  # of one data set, decoded
MOST_RATIO = 200  # decoded to packed bytes
SMALL_BYTES = 200_000_000  # decoded bytes that are taken however well they were packed
READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, SyntaxError, TypeError, NotImplementedError,
           KeyError, IndexError, AttributeError, OverflowError, MemoryError, RecursionError,
           tokenize.TokenError)  # fmt: skip


def refuse(name: str, *, decoded: int, packed: int) -> None:
    """Refuse what would grow too large, in all or against what it is packed in; both in bytes.

    raises  DataError naming both sizes and what is allowed
    """
    if decoded > MOST_BYTES:
        raise DataError(
            f"{name} unpacks to {decoded / 1e9:.1f} GB, at most {MOST_BYTES / 1e9:.0f} GB are opened: make it smaller"
        )
    if decoded > SMALL_BYTES and decoded > MOST_RATIO * packed:
        raise DataError(
            f"{name} unpacks from {packed / 1e6:.1f} MB to {decoded / 1e6:,.0f} MB, at most {MOST_RATIO} times its size"
            f" is opened above {SMALL_BYTES / 1e6:.0f} MB: store it with less compression if it is what you mean"
        )


def arrays(source: Path | BinaryIO, name: str) -> int:
    """Bytes that the arrays of an .npz declare together; the position of a stream is as it was.

    raises  DataError when the archive is damaged, encrypted or too large, or an array declares more than is there;
            ResourceError when the machine refuses to read it now
    """
    start = 0 if isinstance(source, Path) else source.tell()
    try:
        with zipfile.ZipFile(source) as archive:
            packed = sum(info.compress_size for info in archive.infolist())
            stored = sum(info.file_size for info in archive.infolist())
            refuse(name, decoded=stored, packed=packed)
            decoded = sum(_declared(archive, name))
            refuse(name, decoded=decoded, packed=packed)
            return decoded
    except DAMAGED as error:
        if trouble.passing(error):
            raise trouble.of_files(error, Path(name)) from None
        raise DataError(f"{name} is no readable .npz archive: {error}; is it complete?") from None
    finally:
        if not isinstance(source, Path) and not source.closed:
            source.seek(start)


def _declared(archive: zipfile.ZipFile, name: str) -> Iterator[int]:
    for info in archive.infolist():
        if info.flag_bits & 1:
            raise DataError(f"{info.filename} in the archive is encrypted: save it without a password")
        if not info.filename.endswith(".npy"):
            continue
        with archive.open(info) as file:
            version = np.lib.format.read_magic(file)
            shape, _, dtype = READ_HEADER[version](file)
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if not dtype.hasobject and size > info.file_size:
                raise DataError(
                    f"{Path(info.filename).stem} of {name} declares {size:,} bytes and the archive holds "
                    f"{info.file_size:,}: it is damaged, save it again"
                )
        yield size
