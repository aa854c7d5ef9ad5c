"""Several files that a browser sends at once and that make one set: images and labels apart, parts apart, shards.

They are stored side by side in one folder, `folder/HASH/NAME`, and read like a folder
at a path. Files that make no set together are refused by their names, before anything is stored.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.datasets import upload
from core.datasets.names import listed
from core.datasets.readers import forms
from core.datasets.readers.labels_csv import NAME as LABELS
from core.errors import DataError

Wanted = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of data that is several files: every name must be wanted, and all `needs` must be there."""

    title: str
    wanted: Wanted
    needs: tuple[Wanted, ...] = ()


def _ends(*suffixes: str) -> Wanted:
    return lambda name: name.lower().endswith(suffixes)


def _labels(name: str) -> bool:
    return name.lower() == LABELS


FORMS = (
    Form(title="single arrays, .npy", wanted=forms.npy),
    Form(title="IDX files", wanted=forms.idx),
    Form(title="CIFAR's batches", wanted=forms.cifar),
    Form(title="shards of parquet", wanted=forms.parquet),
    Form(
        title="a zip of images with its labels.csv",
        wanted=lambda name: _labels(name) or _ends(".zip")(name),
        needs=(_labels, _ends(".zip")),
    ),
    Form(title="tables of the parts", wanted=forms.table),
)


def form_of(names: Sequence[str]) -> str:
    """What these files are together, in words.

    raises  DataError when they make no set, or two of them have one name
    """
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"two of the files are called {doubled[0][:80]!r}: choose one of them")
    for form in FORMS:
        if all(map(form.wanted, names)) and all(any(map(need, names)) for need in form.needs):
            return form.title
    raise DataError(
        f"{listed(names, 4)} make no set together: choose one file, or all of one set, which may be "
        f"{', '.join(form.title for form in FORMS)}"
    )


def save_together(files: Sequence[tuple[str, BinaryIO]], folder: Path, *, most: int = upload.MOST_BYTES) -> Path:
    """Copy the files of one set below `folder` and return the folder that they lie in; equal ones are stored once.

    most    bytes that are accepted of all of them
    raises  DataError for files that make no set or are too large, or a full disk
    """
    plain = sorted(((upload.safe(name), file) for name, file in files), key=lambda one: one[0])
    names = [name for name, _ in plain]
    form_of(names)
    with (
        upload.storing(listed(names, 2), folder),
        tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=".tmp", ignore_cleanup_errors=True) as held,
    ):
        made, copied = Path(held) / _called(names), upload.Copying(most)
        made.mkdir()
        for name, file in plain:
            copied.digest.update(name.encode() + b"\0")
            with (made / name).open("xb") as out:
                copied.copy(file, out, name)
            if name.lower().endswith(upload.ARCHIVES):
                upload.refuse_foreign(made / name, name)
        target = folder / copied.digest.hexdigest()[:32] / made.name
        target.parent.mkdir(exist_ok=True)
        try:
            os.rename(made, target)
        except OSError:
            if not target.is_dir():  # else somebody sent the same files before
                raise
        return target


def _called(names: Sequence[str]) -> str:
    """The name of the one archive, else of the first file with how many there are besides."""
    zips = [name[:-4] for name in names if name.lower().endswith(".zip")]
    if len(zips) == 1:
        return zips[0][: upload.MOST_LETTERS]
    return f"{names[0].partition('.')[0][: upload.MOST_LETTERS]}-and-{len(names) - 1}-more"
