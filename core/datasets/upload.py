"""Files that a browser sends: stored below the hash of their content, in one step, or refused.

The place is `folder/HASH/NAME`: two files of one name never meet, equal content is stored once, and nothing that
somebody gave is ever replaced or removed.
"""

import errno
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from core.errors import DataError

SUFFIXES = (".npz", ".zip")
MOST_BYTES = 4_000_000_000
MOST_LETTERS = 80  # of a name
BLOCK = 1 << 20


def save_upload(
    name: str, file: BinaryIO, folder: Path, *, most: int = MOST_BYTES, suffixes: Sequence[str] = SUFFIXES
) -> Path:
    """Copy an uploaded file below `folder` and return where it is; several may do so at once.

    most    bytes that are accepted
    suffixes  kinds of files that are taken
    raises  DataError for another kind of file, one that is no archive or too large, or a full disk
    """
    plain = plain_name(name, suffixes)
    temporary: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp", delete=False) as out:
            temporary = Path(out.name)
            digest, size = hashlib.sha256(), 0
            while block := file.read(BLOCK):
                size += len(block)
                if size > most:
                    raise DataError(f"{plain} is larger than {most / 1e6:,.0f} MB, the most that is taken here")
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if Path(plain).suffix in SUFFIXES:
            _refuse_foreign(temporary, plain)
        return _placed(temporary, folder / digest.hexdigest()[:32], plain)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(f"{plain} could not be stored, the disk is full: free some space and try again") from None
        raise DataError(f"{plain} could not be stored: {error.strerror}; try again") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def plain_name(name: str, suffixes: Sequence[str] = SUFFIXES) -> str:
    """The name as it is stored: letters, digits, `_`, `.` and `-`, with a small suffix.

    raises  DataError for another kind of file
    """
    plain = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".")
    stem, suffix = Path(plain).stem, Path(plain).suffix.lower()
    if suffix not in suffixes or not stem:
        if suffixes is not SUFFIXES:
            raise DataError(f"{name[:80]!r} is none of {', '.join(suffixes)}: upload one of those")
        raise DataError(f"{name[:80]!r} is neither .npz nor .zip: upload arrays or a zip of class folders")
    return stem[:MOST_LETTERS] + suffix


def _refuse_foreign(path: Path, name: str) -> None:
    """Refuse what is no archive at all; a passing error of the machine is no proof of that."""
    try:
        with zipfile.ZipFile(path):
            pass
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{name} is no readable archive: {error}; is it complete?") from None


def _placed(temporary: Path, folder: Path, name: str) -> Path:
    """Give a whole file its place without ever replacing one; a second name of it takes no more space."""
    target = folder / name
    folder.mkdir(exist_ok=True)
    same = next((path for path in sorted(folder.iterdir()) if path.is_file()), temporary)
    try:
        os.link(same, target)
    except FileExistsError:
        return target
    except OSError:  # a file system without links
        if not target.exists():
            os.replace(temporary, target)
    return target
