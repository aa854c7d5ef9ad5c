"""A labels.csv beside images: the class of every file, or a better name for every class folder.

The first column names files (with or without their ending) or folders; the column called label, class, target,
category, breed or name, else the second, says what they are.
"""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.datasets.names import listed, spelled
from core.datasets.readers.tree import Entry
from core.errors import DataError

NAME = "labels.csv"
COLUMNS = ("label", "class", "target", "category", "breed", "name", "class_name", "classname")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What a labels.csv says.

    files    class by path of an image
    folders  class by name of a class folder
    """

    where: PurePosixPath
    files: Mapping[PurePosixPath, str]
    folders: Mapping[str, str]

    def sentence(self) -> str:
        """What was taken from it."""
        what = "the class of every image it names" if self.files else "names of the class folders"
        return f"{self.where} gives {what}"


def read(entry: Entry, images: Collection[PurePosixPath], folders: Collection[str]) -> Labels:
    """Read a table and see whether it speaks of files or of folders.

    images   paths from the top of the tree; those below the table's folder may be named
    folders  names of class folders
    raises   DataError when it cannot be read, or speaks of neither
    """
    rows = _rows(entry)
    top = entry.path.parent
    below = [path for path in images if path.is_relative_to(top)]
    known = _known(below, top)
    files = {known[key]: label for key, label in rows.items() if key in known}
    if files:
        return Labels(where=entry.path, files=files, folders={})
    named = {folder: rows[folder] for folder in map(spelled, folders) if folder in rows}
    if not named:
        raise DataError(
            f"{entry.path} names {listed(rows, 3)} in its first column, which is neither an image nor a class folder: "
            "give the names of the files or of the class folders there"
        )
    return Labels(where=entry.path, files={}, folders=named)


def _rows(entry: Entry) -> dict[str, str]:
    try:
        text = entry.read().decode("utf-8-sig")
        mark = max(",;\t", key=text.partition("\n")[0].count)
        lines = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
        rows = [[cell.strip() for cell in row] for row in lines if row]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DataError(f"{entry.path} is no readable table of names: {error}; save it as CSV in UTF-8") from None
    if len(rows) < 2 or min(map(len, rows)) < 2:
        raise DataError(f"{entry.path} needs two columns, names of files or folders and their classes")
    head = [cell.lower().replace(" ", "_") for cell in rows[0]]
    column = next((head.index(word) for word in COLUMNS if word in head[1:]), 1)
    return {spelled(row[0].replace("\\", "/")): spelled(row[column]) for row in rows if len(row) > column}


def _known(paths: Collection[PurePosixPath], top: PurePosixPath) -> dict[str, PurePosixPath]:
    """Every way in which a table may name an image; a bare name that two images share names none of them."""
    known: dict[str, PurePosixPath] = {}
    doubled: set[str] = set()
    for path in paths:
        relative = path.relative_to(top)
        for key in {str(relative), str(relative.with_suffix("")), path.name, path.stem}:
            text = spelled(key)
            if known.setdefault(text, path) != path:
                doubled.add(text)
    return {text: path for text, path in known.items() if text not in doubled}
