"""The one way files are written: whole or not at all, and on the disk before anybody relies on them.

A file is written under a temporary name, forced to the disk, moved into its place in one step, and its folder is forced
to the disk too, so that neither a killed process nor a loss of power leaves half a file under a good name.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.engine import trouble
from core.engine.failpoint import FAILPOINT
from core.errors import ResourceError

TEMPORARY = ".tmp"


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends without an error; a file or a new folder.

    durable  False for what may be lost with the power, such as a picture of the moment
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        FAILPOINT.reach("write", path)
        yield temporary
        if durable:
            FAILPOINT.reach("sync", path)
            _sync(temporary)
        FAILPOINT.reach("rename", path)
        os.replace(temporary, path)
        if durable:
            FAILPOINT.reach("sync folder", path)
            _sync_one(path.parent)
        FAILPOINT.reach("written", path)
    finally:
        _remove(temporary)


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file; half of it may be there after a kill, so each line stands by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    FAILPOINT.reach("write", path)
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    FAILPOINT.reach("written", path)


def _sync(path: Path) -> None:
    """Force a file, or a folder with the files in it, to the disk."""
    if path.is_dir():
        for inner in path.iterdir():
            _sync(inner)
    _sync_one(path)


def _sync_one(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # a folder has no handle there
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a killed process was in the middle of writing, where that can be done at the moment."""
    with suppress(OSError):
        for path in folder.glob(f".*{TEMPORARY}"):
            _remove(path)


def writable(path: Path, *, folder: bool = False) -> None:
    """See, before work that takes long, that its output can be written at `path`.

    raises  ResourceError that says what is in the way
    """
    try:
        (path if folder else path.parent).mkdir(parents=True, exist_ok=True)
        if not folder and path.is_dir():
            raise ResourceError(f"{path} is a folder: name a file in it")
        probe = (path if folder else path.parent) / f".{os.getpid()}{TEMPORARY}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise trouble.of_files(error, path) from None


def save_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(content)


def save_json(path: Path, value: Any) -> None:
    save_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())
