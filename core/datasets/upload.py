"""Files that a browser sends: stored below the hash of their content, in one step, or refused.

The place is `folder/HASH/NAME`: two files of one name never meet, equal content is stored once, and nothing that
somebody gave is ever replaced or removed. Tables and parquet are read together with their neighbours, so they get none:
their names are part of the hash.
"""

import errno
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from core.datasets.readers import forms
from core.errors import DataError

ARCHIVES = (".npz", ".zip")
SUFFIXES = (*ARCHIVES, ".parquet", *forms.TABLES)  # forms that are one file
MOST_BYTES = 4_000_000_000
MOST_LETTERS = 80  # of a name
TOGETHER = "choose all files of the set at once, or give the path of their folder"
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
    with storing(plain, folder):
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp", delete=False) as out:
                temporary, copied = Path(out.name), Copying(most)
                copied.copy(file, out, plain)
            if plain.endswith(ARCHIVES):
                refuse_foreign(temporary, plain)
            elif plain.endswith(SUFFIXES):
                copied.digest.update(plain.encode())
            return _placed(temporary, folder / copied.digest.hexdigest()[:32], plain)
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


@contextmanager
def storing(name: str, folder: Path) -> Iterator[None]:
    """Make the folder, and turn what the machine refuses meanwhile into a sentence about the file called `name`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DataError(f"{name} could not be stored, the disk is full: free some space and try again") from None
        raise DataError(f"{name} could not be stored: {error.strerror}; try again") from None


class Copying:
    """Copies that count bytes together, of which `most` are taken, and hash them together."""

    def __init__(self, most: int) -> None:
        self.digest = hashlib.sha256()
        self._most, self._size = most, 0

    def copy(self, file: BinaryIO, out: IO[bytes], name: str) -> None:
        """Copy a file to the disk; DataError when that are too many bytes."""
        while block := file.read(BLOCK):
            self._size += len(block)
            if self._size > self._most:
                raise DataError(f"{name} is larger than {self._most / 1e6:,.0f} MB, the most that is taken here")
            self.digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())


def plain_name(name: str, suffixes: Sequence[str] = SUFFIXES) -> str:
    """The name as it is stored: letters, digits, `_`, `.` and `-`, with a small suffix.

    raises  DataError for another kind of file, with what to do about those that come as two files or belong elsewhere
    """
    plain = safe(name)
    if (files := forms.files_of(plain)) > 1:
        raise DataError(f"{name[:80]!r} is one of {files} files that belong together: {TOGETHER}")
    suffix = next((suffix for suffix in suffixes if plain.lower().endswith(suffix)), "")
    stem = plain[: len(plain) - len(suffix)]
    if suffix and stem:
        return stem[:MOST_LETTERS] + suffix
    advice = _advice(plain.lower()) if suffixes is SUFFIXES else ""
    raise DataError(f"{name[:80]!r} is {advice or 'none of ' + ', '.join(suffixes) + ': upload one of those'}")


def safe(name: str) -> str:
    """The last part of a name, of letters, digits, `_`, `.` and `-` alone."""
    return re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name).lstrip(".")


def _advice(name: str) -> str:
    """What a file is that is no data set by itself, and what to do; "" for anything else."""
    if forms.idx(name):
        return f"one of the files of IDX, which keeps images and labels apart: {TOGETHER}"
    if name.endswith(".npy"):
        return f"one array, and a data set has images and labels: {TOGETHER}"
    if forms.cifar(name):
        return f"one batch of several: {TOGETHER}"
    if name.endswith((".pt", ".pth")):
        return (
            "no data set: a condensed set is brought in the Lab, with the method *A set made elsewhere*, a network on "
            "the page Attack"
        )
    if name.endswith(".safetensors"):
        return "the weights of a network: bring them on the page Attack"
    return ""


def refuse_foreign(path: Path, name: str) -> None:
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
