"""A folder or a zip as a list of files, with every entry of a zip distrusted.

Zips are read in memory, never unpacked to disk, so a path that would escape can do no harm; it is refused all the
same, because nobody makes one by accident. Links in folders are followed, as far as they do not lead in a circle.
"""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from core.datasets.names import spelled
from core.errors import DataError
from core.types import LeftOut

MOST_FILES, MOST_BYTES, MOST_RATIO = 300_000, 4_000_000_000, 200
IMAGE_BYTES = 50_000_000  # of one image file
UTF8 = 0x800  # flag of a zip's entry: its name is UTF-8
ENCODINGS = {"utf-8": "UTF-8", "gb2312": "GBK"}  # in which zips without that flag have their names
SHARED = "BALLAST_SHARED"  # set where others may use this server: links that lead outside are not followed then


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file: its path from the top of the tree, and how to get its bytes."""

    path: PurePosixPath
    read: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The files of a folder or a zip in a fixed order; hidden ones are left out already.

    empty  folders without any file in them
    """

    name: str
    entries: tuple[Entry, ...]
    empty: tuple[PurePosixPath, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def of_folder(folder: Path) -> Tree:
    """Files of a folder; links are followed, and one that leads nowhere or back into itself is left out."""
    entries: list[Entry] = []
    empty: list[PurePosixPath] = []
    left_out: list[LeftOut] = []
    for path, why in _walk(folder, (folder.resolve(),)):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        hidden = _hidden(relative)
        if why or hidden:
            left_out.append(LeftOut(file=str(relative), why=why or hidden))
        elif path.is_dir():
            empty.append(relative)
        else:
            entries.append(Entry(path=relative, read=partial(_content, path)))
    entries.sort(key=lambda entry: [spelled(part) for part in entry.path.parts])
    return _made(folder.name, entries, empty, left_out, ())


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """Files and empty folders below a folder, each with the reason to leave it out, or ""."""
    try:
        inside = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield folder, f"it cannot be opened: {error.strerror}"
        return
    if not inside:
        yield folder, ""
    for entry in inside:
        path = Path(entry.path)
        if entry.is_dir():
            real = path.resolve()
            if real in above:
                yield path, "a link that leads back to a folder that holds it"
            elif _leads_out(real, above[0]):
                yield path, "a link that leads outside, which a shared server does not follow"
            else:
                yield from _walk(path, (*above, real))
        elif entry.is_file():
            out = entry.is_symlink() and _leads_out(path.resolve(), above[0])
            yield path, "a link that leads outside, which a shared server does not follow" if out else ""
        else:
            yield path, "a link that leads nowhere" if entry.is_symlink() else "no ordinary file"


def _leads_out(real: Path, top: Path) -> bool:
    return bool(os.environ.get(SHARED)) and not real.is_relative_to(top)


def _content(path: Path) -> bytes:
    if path.stat().st_size > IMAGE_BYTES:
        raise DataError(f"{path.name} is larger than {IMAGE_BYTES / 1e6:.0f} MB: no image of a data set is")
    return path.read_bytes()


def of_zip(archive: zipfile.ZipFile, name: str) -> Tree:
    """Files of an open zip.

    raises  DataError for paths that escape, links, encryption, and archives that unpack to too much
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    total, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if len(infos) > MOST_FILES or total > MOST_BYTES or total > MOST_RATIO * max(packed, 100_000):
        raise DataError(
            f"{name} holds {len(infos):,} files that unpack from {packed / 1e6:.1f} to {total / 1e6:.1f} MB; allowed"
            f" are {MOST_FILES:,} files, {MOST_BYTES / 1e6:,.0f} MB and a ratio of {MOST_RATIO}"
        )
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    encoding = _encoding(archive.infolist())
    for info in infos:
        text = _text(info, encoding)
        path = PurePosixPath(text.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0] or "\0" in text:
            raise DataError(f"{name} has an entry that leaves the archive, {text!r}: it is not opened")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DataError(f"{name} has a symbolic link, {text!r}: put the file itself there")
        if info.flag_bits & 1:
            raise DataError(f"{name} is encrypted ({text!r}): save it without a password")
        if hidden := _hidden(path):
            left_out.append(LeftOut(file=str(path), why=hidden))
        else:
            entries.append(Entry(path=path, read=partial(_unpacked, archive, info)))
    paths = [(info, PurePosixPath(_text(info, encoding).replace("\\", "/"))) for info in archive.infolist()]
    folders = {path for info, path in paths if info.is_dir()}
    holding = {above for info, path in paths if not info.is_dir() for above in path.parents}
    word = ENCODINGS.get(encoding, "code page 437")
    notes = [
        f"{name} does not say in which encoding its names are: they are read as {word}; if that is wrong, make the zip "
        "anew with names in UTF-8"
    ]
    notes = notes if any(map(_unsaid, infos)) else []
    entries.sort(key=lambda entry: (spelled(str(entry.path)), str(entry.path)))
    return _made(name, entries, list(folders - holding), left_out, tuple(notes))


def _made(
    name: str, entries: list[Entry], empty: list[PurePosixPath], left_out: list[LeftOut], notes: tuple[str, ...]
) -> Tree:
    return Tree(
        name=name,
        entries=tuple(entries),
        empty=tuple(sorted(path for path in empty if path.parts and not _hidden(path))),
        left_out=tuple(sorted(left_out, key=lambda left: left.file)),
        notes=notes,
    )


def _unsaid(info: zipfile.ZipInfo) -> bool:
    """Whether an entry's name is more than ASCII and the zip does not say in which encoding."""
    return not info.flag_bits & UTF8 and not info.filename.isascii()


def _encoding(infos: Sequence[zipfile.ZipInfo]) -> str:
    """The first encoding that all names of unsaid encoding could be in; cp437, as the format has it, at last."""
    raw = [info.filename.encode("cp437", "replace") for info in infos if _unsaid(info)]
    for encoding in ENCODINGS:
        try:
            for name in raw:
                name.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "cp437"


def _text(info: zipfile.ZipInfo, encoding: str) -> str:
    if not _unsaid(info) or encoding == "cp437":
        return info.filename
    return info.filename.encode("cp437", "replace").decode(encoding)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        content = file.read(IMAGE_BYTES + 1)
    if len(content) > IMAGE_BYTES:
        raise DataError(f"{info.filename} is larger than {IMAGE_BYTES / 1e6:.0f} MB: no image of a data set is")
    return content


def _hidden(path: PurePosixPath) -> str:
    """Why what a computer keeps for itself takes no part, or ""."""
    for part in path.parts:
        if part.startswith(".") or part in ("__MACOSX", "Thumbs.db", "desktop.ini"):
            return f"{part} is kept by a program for itself, it is no part of the data"
    return ""
