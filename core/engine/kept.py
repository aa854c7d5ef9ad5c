"""The one way to read what an earlier attempt or another run left: what cannot be read counts as missing.

The damaged file is moved aside as evidence, never deleted, and a sentence says so; whoever asked computes it anew.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from core.engine import trouble
from core.errors import DataError

T = TypeVar("T")
DAMAGED = ".damaged"
LOG = logging.getLogger("ballast")


def kept(path: Path, read: Callable[[Path], T], said: list[str]) -> T | None:
    """What lies at `path` as `read` understands it, or None when nothing does.

    said    gets a sentence when there was something and it is damaged
    raises  ResourceError when the machine refuses to read at this moment: that is no damage
    """
    if not path.exists():
        return None
    try:
        return read(path)
    except (DataError, KeyError, TypeError, ValueError, EOFError) as error:
        if not path.exists():  # somebody else moved it meanwhile
            return None
        aside = move_aside(path)
        LOG.warning("%s: %s", path, error)
        said.append(f"{path.name} was damaged and is computed anew; the damaged file is kept as {aside.name}")
        return None
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return None
        raise trouble.of_files(error, path) from None


def move_aside(path: Path) -> Path:
    """Give a damaged file or folder a name that nobody reads; returns that name."""
    aside, number = path.with_name(path.name + DAMAGED), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}{DAMAGED}-{number}")
    try:
        path.replace(aside)
    except FileNotFoundError:
        pass  # another process was faster
    except OSError as error:
        raise trouble.of_files(error, path.parent) from None
    return aside


def outdated(paths: Iterable[Path]) -> None:
    """Remove what was computed from something that has to be computed anew."""
    for path in paths:
        path.unlink(missing_ok=True)
