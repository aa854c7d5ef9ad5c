"""Files that a browser sends: stored under a safe name, in one step, or refused."""

import errno
import os
import re
from pathlib import Path
from typing import BinaryIO

from core.errors import DataError

SUFFIXES = (".npz", ".zip")
MOST_BYTES = 4_000_000_000
BLOCK = 1 << 20


def save_upload(name: str, file: BinaryIO, folder: Path) -> Path:
    """Copy an uploaded file into `folder`; a file of the same name is replaced only when the copy is complete.

    raises  DataError for another kind of file, one that is too large, or a full disk
    """
    plain = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".")
    suffix = Path(plain).suffix.lower()
    if suffix not in SUFFIXES or not Path(plain).stem:
        raise DataError(f"{name!r} is neither .npz nor .zip: upload arrays or a zip of class folders")
    target = folder / (Path(plain).stem + suffix)
    temporary = folder / f".{target.name}.{os.getpid()}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        size = 0
        with temporary.open("wb") as out:
            while block := file.read(BLOCK):
                size += len(block)
                if size > MOST_BYTES:
                    raise DataError(f"{name} is larger than {MOST_BYTES / 1e9:.0f} GB: put it into data/ yourself")
                out.write(block)
        os.replace(temporary, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(f"{name} could not be stored, the disk is full: free some space and try again") from None
        raise DataError(f"{name} could not be stored: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target
