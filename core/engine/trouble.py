"""What the machine refuses, in one sentence that names the place and says what to do.

A full disk, a folder that cannot be written, too many open files: faults of the world, which pass. They are told from
damage, which stays until the file is written anew.
"""

import errno
import shutil
from pathlib import Path
from typing import TypeGuard

from core.errors import BallastError, ResourceError, StoreError

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
CROWDED = {errno.EMFILE, errno.ENFILE}
NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
PLENTY_MB = 100.0  # with more than this left it is no full disk that refuses
REPAIR = "run `python -m core doctor --repair`, which keeps the damaged file and saves what can be read"


def passing(error: Exception) -> TypeGuard[OSError]:
    """Whether an error says something of the machine at this moment rather than of the file."""
    if isinstance(error, FileNotFoundError) or (isinstance(error, OSError) and error.errno == errno.EINVAL):
        return False  # EINVAL is what seeking by a damaged directory of an archive gives
    return isinstance(error, OSError) and (error.errno is not None or is_full(error))


def is_full(error: Exception) -> bool:
    """Whether the disk, or somebody's share of it, is full."""
    short = isinstance(error, OSError) and error.errno is None and " requested and " in str(error)  # numpy's words
    return short or (isinstance(error, OSError) and error.errno in FULL)


def of_files(error: OSError, place: Path) -> ResourceError:
    """What an error of the file system means for work at `place`."""
    where = Path(error.filename) if isinstance(error.filename, str) else place
    if is_full(error):
        return ResourceError(full(place))
    if error.errno in CROWDED:
        return ResourceError(
            "this machine allows no more open files at the moment: close other programs or raise the limit "
            "(`ulimit -n`), then resume"
        )
    if error.errno in REFUSED:
        return ResourceError(
            f"{where} cannot be written or read ({error.strerror}): change its permissions, or set BALLAST_HOME to a "
            "folder of your own"
        )
    if error.errno in NO_FOLDER:
        return ResourceError(
            f"{where} should be a folder and is none: move the file away, or set BALLAST_HOME to another folder"
        )
    return ResourceError(f"{where} cannot be read or written: {error.strerror or error}; try again when it can")


def full(place: Path) -> str:
    """That the disk of a folder is full, with what is left of it."""
    left = free_mb(place)
    quota = ", so your share of it is used up" if left > PLENTY_MB else ""
    return f"the disk that holds {place} is full ({left:,.0f} MB left{quota}): make room there, then go on"


def free_mb(place: Path) -> float:
    """MB of 10^6 bytes that are free where `place` is or will be."""
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free / 1e6


def of_store(error: BaseException | None, path: Path) -> BallastError:
    """What an error of the SQLite file at `path` means."""
    text = str(error)
    if "full" in text:
        return ResourceError(full(path.parent))
    if "readonly" in text or "unable to open" in text:
        return ResourceError(
            f"the store {path} cannot be written: change the permissions of {path.parent}, or set BALLAST_HOME to a "
            "folder of your own"
        )
    if "locked" in text or "busy" in text:
        return ResourceError(f"the store {path} is in use by a process that does not let go of it: try again")
    if "disk I/O" in text:
        return ResourceError(
            f"the disk that holds {path.parent} answers with errors ({free_mb(path.parent):,.0f} MB left): look after "
            "it, then go on"
        )
    return StoreError(f"the store {path} is damaged ({text}): {REPAIR}")
