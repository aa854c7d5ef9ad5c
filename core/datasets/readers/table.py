"""A CSV with one image a row: a label column and one column a pixel, or one column of pixels with spaces between.

The label is the column called label, class, target, y, category or emotion; without any names of columns it is the
first. A column called split, usage, part or set says the part. Of two files whose names differ in the part alone, such
as mnist_train.csv and mnist_test.csv, both are read. Cost: pandas reads about 10,000 images of 28×28 pixels a second.
"""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.datasets.found import PARTS, Array, Found, Part
from core.datasets.names import WITHIN, listed, part_of
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

LABELS = ("label", "labels", "class", "target", "y", "category", "emotion")
SPLITS = ("split", "usage", "part", "set", "subset")
ROWS = 1000  # read at a time
MOST_BYTES = 4_000_000_000  # of one file
PIXEL = re.compile(r"(pixel|px|p)?[_ -]?\d+|\d+x\d+", re.IGNORECASE)
BROKEN = (
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
    UnicodeDecodeError,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
)


def read(path: Path, config: DataConfig) -> Work[Found]:
    """Rows of a table, or of the tables of a folder, and of its partner for the other part, as images.

    raises  DataError when there is no label, a value is no number, or rows differ in length
    """
    files, notes = _inside(path) if path.is_dir() else _partners(path)
    x: dict[Part, list[Array]] = {part: [] for part in PARTS}
    y: dict[Part, list[Array]] = {part: [] for part in PARTS}
    left: list[LeftOut] = []
    shape: tuple[int, ...] = ()
    for file, part in files.items():
        columns, shape = yield from _rows(file, part, x, y, left, notes)
        del columns
    parts = [part for part in PARTS if x[part]]
    try:
        images = {part: np.concatenate(x[part]) for part in parts}
        labels = {part: np.concatenate(y[part]) for part in parts}
    except ValueError as error:
        raise DataError(f"{path.name}: rows differ in length: {error}") from None
    if shape and not config.shape:
        images = {part: array.reshape(len(array), *shape) for part, array in images.items()}
        notes.append(f"{math.prod(shape)} values a row are read as {shape[0]}×{shape[1]} pixels, row by row")
    return Found(
        name=path.name.partition(".")[0], source=str(path), layout="a table with one image a row", x=images, y=labels,
        called={part: (f"the {part} rows", f"the {part} labels") for part in PARTS}, left_out=tuple(left),
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _inside(folder: Path) -> tuple[dict[Path, Part], list[str]]:
    """The tables of a folder, which must be the parts of one set."""
    tables = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    found, _ = _partners(tables[0])
    if set(found) != set(tables):
        names = listed([file.name for file in tables], 4)
        raise DataError(f"{folder.name} has several tables that are not the parts of one set, {names}: give one's path")
    return found, [f"{listed([file.name for file in tables], 4)} are read as one set"] if tables[1:] else []


def _partners(path: Path) -> tuple[dict[Path, Part], list[str]]:
    """The file itself and those beside it whose names differ in the part alone."""
    key, own = _key(path.name)
    if own is None:
        return {path: "train"}, []
    beside = [file for file in sorted(path.parent.iterdir()) if file.is_file() and _key(file.name)[0] == key]
    found = {file: part for file in beside if (part := _key(file.name)[1]) is not None}
    others = [file.name for file in found if file != path]
    return found, [f"{listed(others)} beside it is read too"] if others else []


def _key(name: str) -> tuple[str, Part | None]:
    words = re.split(r"([-_. ])", name.lower())
    part = next((WITHIN[word] for word in words if word in WITHIN), None)
    return "".join("*" if word in WITHIN else word for word in words), part


def _rows(
    file: Path,
    part: Part,
    x: dict[Part, list[Array]],
    y: dict[Part, list[Array]],
    left: list[LeftOut],
    notes: list[str],
) -> Work[tuple[list[str], tuple[int, ...]]]:
    """Add the rows of one file; the names of its pixel columns and the shape they tell, or ()."""
    if file.stat().st_size > MOST_BYTES:
        raise DataError(
            f"{file.name} has {file.stat().st_size / 1e9:.1f} GB, at most {MOST_BYTES / 1e9:.0f} GB are read"
        )
    pixels: list[str] = []
    shape: tuple[int, ...] = ()
    done = 0
    for block in _blocks(file):
        names = [str(name) for name in block.columns]
        label = _label(names, file)
        if label is None:
            left.append(LeftOut(file=file.name, why="it has no label column"))
            return [], ()
        split = next((name for name in names if name.lower() in SPLITS), None)
        pixels, shape = _pixels(block, [name for name in names if name not in (label, split)], file)
        if not done:
            rest = [name for name in names if name not in (label, split, *pixels)]
            left.extend(LeftOut(file=f"{file.name}: column {name}", why="neither pixels nor label") for name in rest)
            notes.append(f"the column {label} is the label")
        values = _values(block, pixels, file, done)
        labels = _labels(block[label], file)
        own = np.array([part if split is None else _part(text, file) for text in block[split or label].astype(str)])
        for one in PARTS:
            if (own == one).any():
                x[one].append(values[own == one])
                y[one].append(labels[own == one])
        done += len(block)
        yield Progress(stage="load", done=done, unit="rows", note=f"reading {file.name}")
    return pixels, shape


def _blocks(file: Path) -> Iterator[pd.DataFrame]:
    """The table a thousand rows at a time; a first row of numbers is a row, not names of columns."""
    mark = "\t" if ".tsv" in file.name.lower() else ","
    try:
        first = pd.read_csv(file, sep=mark, header=None, nrows=1, dtype=str)
        numbers = all(re.fullmatch(r"-?[\d.]+(e-?\d+)?", str(cell).strip()) for cell in first.iloc[0])
        how: dict[str, Any] = {"header": None} if numbers else {}
        with pd.read_csv(file, sep=mark, chunksize=ROWS, **how) as blocks:
            for block in blocks:
                yield block.rename(columns=str)
    except BROKEN as error:
        raise DataError(f"{file.name} is no readable table: {' '.join(str(error).split())[:150]}") from None


def _label(names: Sequence[str], file: Path) -> str | None:
    lower = {name.lower().strip(): name for name in names}
    known = next((lower[word] for word in LABELS if word in lower), None)
    if known is not None:
        return known
    if all(PIXEL.fullmatch(name) for name in names) and len(names) > 2 and names[0] == "0":
        return names[0]  # no names at all: the label comes first
    if part_of(file.name.partition(".")[0]) == "test":
        return None
    raise DataError(f"{file.name} has no column called {', '.join(LABELS[:5])}: its columns are {listed(names, 4)}")


def _pixels(block: pd.DataFrame, names: Sequence[str], file: Path) -> tuple[list[str], tuple[int, ...]]:
    """The columns with pixels, and the shape where their names or a square number of them tell it."""
    texts = [name for name in names if name.lower() in ("pixels", "image") and not _numeric(block[name])]
    if texts:
        count = len(str(block[texts[0]].iloc[0]).split())
        return texts[:1], _square(count)
    found = [name for name in names if PIXEL.fullmatch(name)]
    if found:
        return found, _square(len(found))
    found = [name for name in names if _numeric(block[name]) and name.lower() not in ("id", "index", "unnamed: 0")]
    if not found:
        raise DataError(f"{file.name} has no columns of numbers beside its label: its columns are {listed(names, 4)}")
    return found, ()


def _numeric(column: "pd.Series[Any]") -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _square(count: int) -> tuple[int, ...]:
    side = math.isqrt(count)
    return (side, side) if side > 1 and side * side == count else ()


def _values(block: pd.DataFrame, pixels: Sequence[str], file: Path, before: int) -> Array:
    try:
        if len(pixels) == 1 and not _numeric(block[pixels[0]]):
            return np.array([[int(value) for value in str(text).split()] for text in block[pixels[0]]], np.int64)
        values: Array = block[list(pixels)].to_numpy()
    except (ValueError, OverflowError) as error:
        raise DataError(f"{file.name}: rows {before + 1} to {before + len(block)} are no pixels: {error}") from None
    if values.dtype.kind not in "iuf" or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        raise DataError(f"{file.name}: rows {before + 1} to {before + len(block)} hold pixels that are no numbers")
    return values


def _labels(column: "pd.Series[Any]", file: Path) -> Array:
    if column.isna().any():
        raise DataError(f"{file.name} has rows without a label: remove them or label them")
    found: Array = column.to_numpy()
    return found if found.dtype.kind in "iuf" else np.array([str(text) for text in found])


def _part(text: str, file: Path) -> Part:
    found = part_of(text)
    if found is None:
        raise DataError(f"{file.name} has a row of part {text!r}: expected train, test or validation")
    return found
