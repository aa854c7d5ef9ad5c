"""Parquet files with a column of encoded images, as the Hugging Face hub keeps them: train-00000-of-00001.parquet.

The image column holds the bytes of an image file, alone or beside its path; names of labels are read from the hub's own
description in the file. Nothing but pyarrow and Pillow touches them.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.datasets.found import PARTS, Found, Part
from core.datasets.names import listed, part_of
from core.datasets.readers import decode, forms, places
from core.datasets.readers.pile import DifferError, Pile
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

IMAGES = ("image", "img", "images", "picture", "png", "jpg")
LABELS = ("label", "labels", "fine_label", "class", "target", "category", "y", "digit")
PULSE_S, ROWS, NAMED = 0.3, 256, 3
BROKEN = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)


def read(path: Path, config: DataConfig) -> Work[Found]:
    """All parquet files of a folder, or the one that was named with those beside it.

    raises  DataError for files without an image or label column, and for images that cannot be read, unless
            `config.skip_bad`
    """
    folder = places.folder_of(path, forms.parquet)
    assert folder is not None, "the table of readers asked before"
    files = {file: _part(file) for file in sorted(folder.glob("*")) if forms.parquet(file.name) and file.is_file()}
    heads = {file: _head(file) for file in files}
    counts: Counter[Part] = Counter()
    for file, part in files.items():
        counts[part] += heads[file].rows
    pile = Pile(path.name, counts, config.resize, None)
    bad: dict[str, str] = {}
    for file, part in files.items():
        yield from _fill(pile, file, part, heads[file], bad)
    if bad and not config.skip_bad:
        (first, why), *rest = bad.items()
        more = f"; {len(rest):,} more: {listed((name for name, _ in rest), NAMED)}" if rest else ""
        raise DataError(f"{first} {why}{more}; remove or replace such rows, or leave them out with --skip-bad")
    if not pile.filled():
        raise DataError(f"no image of {path.name} can be read")
    x, y = pile.arrays()
    classes = next((head.classes for head in heads.values() if head.classes), ())
    whole = all(head.whole for head in heads.values())
    unused = dict.fromkeys(name for head in heads.values() for name in head.rest)
    return Found(
        name=path.name.removesuffix(".parquet"), source=str(path), layout="parquet with encoded images", x=x,
        y={part: labels.astype(np.int64) for part, labels in y.items()} if whole else y,
        classes=classes if whole else (), depth=pile.depth, shaped="channels first",
        called={part: (f"the {part} images", f"the {part} labels") for part in PARTS},
        left_out=(*(LeftOut(file=f"column {name}", why="neither images nor the label") for name in unused),
                  *(LeftOut(file=name, why=why) for name, why in bad.items())),
        notes=tuple(pile.notes()),
    )  # fmt: skip


class Head:
    """What a parquet file says of itself: rows, the two columns, whether labels are numbers, their names."""

    def __init__(self, file: Path) -> None:
        found = pq.ParquetFile(file)
        schema = found.schema_arrow
        self.rows: int = found.metadata.num_rows
        self.image = _column(schema, IMAGES, _is_image)
        self.label = _column(schema, LABELS, lambda kind: pa.types.is_integer(kind) or _is_text(kind))
        if not self.image or not self.label:
            what = "image" if not self.image else "label"
            raise DataError(f"{file.name} has no {what} column: its columns are {listed(schema.names)}")
        self.whole: bool = pa.types.is_integer(schema.field(self.label).type)
        self.rest = [name for name in schema.names if name not in (self.image, self.label)]
        self.classes = _classes(schema.metadata or {}, self.label)


def _head(file: Path) -> Head:
    try:
        return Head(file)
    except BROKEN as error:
        raise DataError(f"{file.name} is no readable parquet file: {' '.join(str(error).split())[:150]}") from None


def _column(schema: Any, names: tuple[str, ...], fits: Any) -> str:
    """The first column with one of these names that is of the kind, else the only one of the kind, else ""."""
    lower = {name.lower(): name for name in schema.names}
    known = [lower[name] for name in names if name in lower and fits(schema.field(lower[name]).type)]
    others = [name for name in schema.names if fits(schema.field(name).type)]
    return str((known or (others if len(others) == 1 else [""]))[0])


def _is_image(kind: Any) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _is_bytes(field.type) for field in kind)
    return _is_bytes(kind)


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _classes(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...]:
    """Names by label from the hub's description; () when it has none."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
        return tuple(str(name) for name in names)
    except (KeyError, TypeError, ValueError):
        return ()


def _fill(pile: Pile, file: Path, part: Part, head: Head, bad: dict[str, str]) -> Work[None]:
    done, last = 0, 0.0
    try:
        for block in pq.ParquetFile(file).iter_batches(ROWS, columns=[head.image, head.label]):
            for image, label in zip(block.column(0).to_pylist(), block.column(1).to_pylist(), strict=True):
                done += 1
                name = f"{file.name} row {done}"
                content = image.get("bytes") if isinstance(image, dict) else image
                try:
                    if label is None or (isinstance(label, int) and label < 0):
                        raise DataError("has no label")
                    pile.add(part, str(label), name, decode.decode(content or b"", pile.resize))
                except DifferError:
                    raise
                except DataError as error:
                    bad[name] = str(error)
                if time.monotonic() - last > PULSE_S:
                    last = time.monotonic()
                    yield Progress(stage="load", done=done, total=head.rows, unit="images", note=f"reading {file.name}")
    except BROKEN as error:
        raise DataError(f"{file.name} is no readable parquet file: {' '.join(str(error).split())[:150]}") from None


def _part(file: Path) -> Part:
    return part_of(file.stem.partition("-")[0]) or part_of(file.parent.name) or "train"
