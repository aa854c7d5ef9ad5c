"""Where the files of a data set lie that is not one file: at the top of a folder, or a folder or two further down."""

from collections.abc import Callable
from pathlib import Path

DEEPEST = 2


def holding(folder: Path, wanted: Callable[[str], bool], deepest: int = DEEPEST) -> Path | None:
    """The highest folder with a file whose name is wanted, at most `deepest` below `folder`; the first by name."""
    ahead = [folder]
    for _ in range(deepest + 1):
        for place in ahead:
            try:
                if any(wanted(path.name) and path.is_file() for path in place.iterdir()):
                    return place
            except OSError:
                continue
        ahead = sorted(inner for place in ahead for inner in _folders(place))
    return None


def _folders(place: Path) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []


def folder_of(path: Path, wanted: Callable[[str], bool], deepest: int = DEEPEST) -> Path | None:
    """The folder of a file whose name is wanted, or the one that holds such files below a folder."""
    if path.is_file():
        return path.parent if wanted(path.name) else None
    return holding(path, wanted, deepest) if path.is_dir() else None


def all_of(path: Path, wanted: Callable[[str], bool]) -> bool:
    """Whether a path is a folder in which every file is wanted, and there is no folder; hidden ones do not count."""
    try:
        inside = [one for one in path.iterdir() if not one.name.startswith(".")] if path.is_dir() else []
    except OSError:
        return False
    return bool(inside) and all(one.is_file() and wanted(one.name) for one in inside)
