"""The table of readers: which form a path has, told by its name, and the work that reads it.

A reader is one file with `read(path, config) -> Work[Found]`. It says what it leaves out and changes no value. A row
names its work, so that this table stays light and only a worker imports pandas, pyarrow and the like.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.datasets.readers import forms, places
from core.types import Named


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One form in which data are kept.

    title  in words
    takes  whether a path has this form, by its name alone
    read   (path, config) -> Work[Found]
    """

    title: str
    takes: Callable[[Path], bool]
    read: Named


def ending(*suffixes: str) -> Callable[[Path], bool]:
    """Whether a path is a file with one of these endings."""
    return lambda path: path.is_file() and path.name.lower().endswith(suffixes)


def named(wanted: Callable[[str], bool], deepest: int = places.DEEPEST) -> Callable[[Path], bool]:
    """Whether a path is a file with such a name, or a folder that holds one, at most `deepest` folders further down."""
    return lambda path: places.folder_of(path, wanted, deepest) is not None


READERS: tuple[Reader, ...] = (
    Reader(title=".npz of arrays", takes=ending(".npz"), read=Named("core.datasets.readers.npz:read")),
    Reader(title="zip of class folders", takes=ending(".zip"), read=Named("core.datasets.readers.folder:read")),
    Reader(title="IDX files", takes=named(forms.idx), read=Named("core.datasets.readers.idx:read")),
    Reader(
        title="CIFAR's batches for Python", takes=named(forms.cifar), read=Named("core.datasets.readers.cifar:read")
    ),
    Reader(title="parquet with images", takes=named(forms.parquet), read=Named("core.datasets.readers.parquet:read")),
    Reader(title="pairs of .npy", takes=named(forms.npy, 0), read=Named("core.datasets.readers.npy:read")),
    Reader(
        title="CSV with one image a row",
        takes=lambda path: ending(*forms.TABLES)(path) or places.all_of(path, forms.table),
        read=Named("core.datasets.readers.table:read"),
    ),
    Reader(title="folder of class folders", takes=Path.is_dir, read=Named("core.datasets.readers.folder:read")),
)


def reader_of(path: Path) -> Reader | None:
    """The first row that takes a path that exists, or None."""
    return next((row for row in READERS if row.takes(path)), None)
