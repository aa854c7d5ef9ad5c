"""Class folders that somebody brings, as a folder or a zip: train/<class>/*.png, test/<class>/*.png, or <class>/*.png.

Images come in the order of their paths; everything that takes "the first n" later shuffles. Every file of
the source is an image of a part or is listed with the reason why not; what should be an image and cannot be read is
refused, unless the settings ask to leave such files out. Cost: about 2,500 small PNGs a second.
"""

import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from core.datasets.found import PARTS, Found
from core.datasets.names import listed, ordered
from core.datasets.readers import decode, labels_csv, npz
from core.datasets.readers.layout import LAYOUT, Arranged, Place, arrange
from core.datasets.readers.pile import DifferError, Pile
from core.datasets.readers.tree import Entry, Tree, of_folder, of_zip
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, LeftOut

PULSE_S = 0.3
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, NotImplementedError, UnicodeError)
MAGIC = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"P1",
    b"P2",
    b"P3",
    b"P4",
    b"P5",
    b"P6",
)
HOMELESS = "is in no class folder"
MOST_NAMED = 3  # files that a refusal names


def read(path: Path, config: DataConfig) -> Work[Found]:
    """Images of a folder or a zip of class folders, as stored, with class names; nothing is unpacked to disk.

    raises  DataError for files that cannot be read or placed, unless `config.skip_bad`
    """
    packed = _zip_with_labels(path) if path.is_dir() else path
    if packed is None:
        return (yield from _read(of_folder(path), path, config))
    try:
        with zipfile.ZipFile(packed) as archive:
            tree = of_zip(archive, packed.name)
            if path.is_dir():
                tree = _beside(tree, path)
            inner = [entry for entry in tree.entries if entry.path.suffix.lower() == ".npz"]
            if len(inner) == 1 and not any(_looks(entry) for entry in tree.entries):
                return (yield from _inner(inner[0], tree, path, config))
            return (yield from _read(tree, path, config, packed.stat().st_size))
    except DAMAGED as error:
        raise DataError(f"{packed.name} is no readable zip: {error}; is it complete?") from None


def _zip_with_labels(folder: Path) -> Path | None:
    """The one zip of a folder that holds nothing else but its labels.csv, or None."""
    files = [file for file in folder.iterdir() if not file.name.startswith(".")]
    zips = [file for file in files if file.suffix.lower() == ".zip"]
    return zips[0] if len(files) == 2 and len(zips) == 1 and (folder / labels_csv.NAME) in files else None


def _beside(tree: Tree, folder: Path) -> Tree:
    """The files of a zip, with the labels.csv that lies beside it at their top."""
    labels = [entry for entry in of_folder(folder).entries if entry.path.name == labels_csv.NAME]
    note = f"{labels_csv.NAME} beside {tree.name} is read too"
    return replace(tree, entries=(*tree.entries, *labels), notes=(*tree.notes, note))


def _inner(entry: Entry, tree: Tree, path: Path, config: DataConfig) -> Work[Found]:
    """The arrays of an .npz that came in a zip."""
    rest = [LeftOut(file=str(other.path), why="no arrays") for other in tree.entries if other is not entry]
    note = f"{path.name} holds {entry.path}, which is read"
    return (yield from npz.read_bytes(entry.read(), path, config, rest, note))


def _read(tree: Tree, path: Path, config: DataConfig, packed: int | None = None) -> Work[Found]:
    """Images of a tree; `packed` bytes of the archive that they come from, None for files that lie open."""
    images = {entry.path: entry for entry in tree.entries if _looks(entry)}
    if not images:
        raise DataError(f"{path.name} holds no images ({', '.join(decode.SUFFIXES)}): expected {LAYOUT}{_hint(tree)}")
    arranged = arrange(images, path.name)
    tables = [entry for entry in tree.entries if entry.path.name.lower() == labels_csv.NAME]
    named = _by_tables(tables, arranged)
    left_out = [*tree.left_out, *(LeftOut(file=str(p), why=why) for p, why in arranged.beside.items())]
    others = [e.path for e in tree.entries if e.path not in images and e not in tables]
    left_out += [LeftOut(file=str(p), why="it is no image") for p in others]
    left_out += [LeftOut(file=str(table.path), why="it names the classes") for table in tables]
    left_out += [LeftOut(file=f"{folder}/", why="the folder is empty") for folder in tree.empty]
    bad = {
        place: f"{HOMELESS}: expected {LAYOUT}"
        for place, found in arranged.places.items() if found.name is None
    }  # fmt: skip
    pile = Pile(path.name, Counter(place.part for place in arranged.places.values()), config.resize, packed)
    yield from _fill(pile, images, arranged.places, bad)
    if bad and not config.skip_bad:
        raise DataError(_refusal(bad, path.name, some=pile.filled()))
    left_out += [LeftOut(file=str(place), why=why) for place, why in bad.items()]
    if not pile.filled():
        raise DataError(f"no image of {path.name} can be read: expected {LAYOUT}")
    x, y = pile.arrays()
    if "train" not in x:
        raise DataError(f"{path.name} has {' and '.join(x)} images only: expected {LAYOUT}")
    return Found(
        name=path.stem, source=str(path), layout="class folders", x=x, y=y, named=named, depth=pile.depth,
        shaped="channels first", called={part: (f"the {part} images", f"the {part} labels") for part in PARTS},
        left_out=tuple(sorted(left_out, key=lambda one: one.file)),
        notes=tuple(_notes(tree, arranged, pile, bad, config)),
    )  # fmt: skip


def _looks(entry: Entry) -> bool:
    """Whether a file says that it is an image, by its ending, or by its first bytes when it has none."""
    suffix = entry.path.suffix.lower()
    if suffix in decode.SUFFIXES + decode.OTHERS + decode.FOREIGN:
        return True
    try:
        return not suffix and entry.read()[:4].startswith(MAGIC)
    except (DataError, *DAMAGED):
        return False


def _hint(tree: Tree) -> str:
    inside = [
        e.path for e in tree.entries if e.path.suffix.lower() in (".zip", ".npz", ".gz", ".parquet", ".csv", ".tar")
    ]
    return f"; it holds {listed(map(str, inside), 3)}: unpack it and give that file or folder" if inside else ""


def _by_tables(tables: list[Entry], arranged: Arranged) -> dict[str, str]:
    """Take classes from every labels.csv; names of class folders that it calls otherwise."""
    named: dict[str, str] = {}
    for table in tables:
        folders = {place.name for place in arranged.places.values() if place.name is not None}
        found = labels_csv.read(table, arranged.places, folders)
        named |= found.folders
        for path, place in list(arranged.places.items()):
            if path in found.files:
                arranged.places[path] = Place(part=place.part, name=found.files[path])
            elif found.files and path.is_relative_to(table.path.parent):
                arranged.places[path] = Place(part=place.part, name=None)
        arranged.notes.append(found.sentence())
    return named


def _fill(
    pile: Pile,
    images: Mapping[PurePosixPath, Entry],
    places: Mapping[PurePosixPath, Place],
    bad: dict[PurePosixPath, str],
) -> Work[None]:
    """Decode every placed image into the pile; what cannot be read is written to `bad`."""
    last = 0.0
    for done, (path, entry) in enumerate(images.items()):
        place = places.get(path)
        if place is None or place.name is None:
            continue
        try:
            if path.suffix.lower() in decode.FOREIGN:
                raise DataError(f"is of a kind that is not read ({path.suffix}): save it as PNG")
            pile.add(place.part, place.name, str(path), decode.decode(entry.read(), pile.resize))
        except DifferError:
            raise
        except (DataError, *DAMAGED) as error:
            bad[path] = str(error) if isinstance(error, DataError) else f"is no readable image: {error}"
        if time.monotonic() - last > PULSE_S:
            last = time.monotonic()
            yield Progress(stage="load", done=done + 1, total=len(images), unit="images", note="reading images")


def _refusal(bad: Mapping[PurePosixPath, str], name: str, *, some: bool) -> str:
    """What is wrong with the first of the bad files; leaving them out is offered only where some others are left."""
    (first, why), *rest = bad.items()
    why = f"in {name} {why}" if why.startswith(HOMELESS) else why
    more = f"; {len(rest):,} more: {listed((str(path) for path, _ in rest), MOST_NAMED)}" if rest else ""
    return f"{first} {why}{more}; remove or replace such files{', or leave them out with --skip-bad' if some else ''}"


def _notes(
    tree: Tree, arranged: Arranged, pile: Pile, bad: Mapping[PurePosixPath, str], config: DataConfig
) -> list[str]:
    notes = [f"images were resized to {config.resize}×{config.resize} pixels"] if config.resize else []
    notes += [*tree.notes, *arranged.notes, *pile.notes()]
    if bad:
        notes.append(
            f"{len(bad):,} files that cannot be read or placed are left out, as asked: {listed(map(str, bad), 3)}"
        )
    if tree.empty:
        notes.append(f"empty folders are left out: {listed(ordered(map(str, tree.empty)))}")
    return notes
