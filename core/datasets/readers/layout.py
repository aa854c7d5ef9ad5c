"""Which part and class every image of a tree belongs to, told from the folders above it.

The part is the highest folder named like one, the class the folder right below it, or the highest folder where there
are no parts; what lies deeper belongs to that class. A folder that could be either is a question, not a guess.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.datasets.found import Part
from core.datasets.names import EXACT, WITHIN, listed, ordered, part_of, spelled
from core.errors import DataError

LAYOUT = "train/<class>/*.png and test/<class>/*.png, or <class>/*.png"
Paths = Mapping[PurePosixPath, tuple[str, ...]]  # a file's whole path -> its parts from some folder on


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an image belongs; name is None while it lies in no class folder."""

    part: Part
    name: str | None


@dataclass(kw_only=True)
class Arranged:
    """The place of every image that lies in a part, those beside all parts with the reason, and what to say."""

    places: dict[PurePosixPath, Place] = field(default_factory=dict)
    beside: dict[PurePosixPath, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def arrange(paths: Iterable[PurePosixPath], name: str) -> Arranged:
    """Place images by the folders above them.

    raises  DataError when a folder could be a class or a part
    """
    out = Arranged()
    inside, passed = _below_single({path: path.parts for path in paths})
    part = next((WITHIN[folder.lower()] for folder in reversed(passed) if folder.lower() in WITHIN), None)
    if part:
        _classes(out, inside, part)
        return out
    groups = _grouped(inside)
    parts = {folder: found for folder in groups if folder and (found := part_of(folder))}
    others = [folder for folder in groups if folder and folder not in parts]
    nested = {folder for folder, found in groups.items() if all(len(parts) > 2 for parts in found.values())}
    if parts and others and not nested & parts.keys():
        parts = {}  # a class that is called train, among other classes
    if not parts and _parts_below(out, inside, groups):
        return out
    if not parts:
        _classes(out, inside, "train")
        return out
    _refuse_doubt(parts, [folder for folder in others if folder in nested], name)
    for folder, found in parts.items():
        _one(out, {path: rest[1:] for path, rest in groups[folder].items()}, found, folder)
    _say_parts(out, parts)
    _others(out, {folder: groups[folder] for folder in others}, parts)
    out.places |= dict.fromkeys(groups.get("", ()), Place(part="train", name=None))
    return out


def _below_single(inside: Paths) -> tuple[Paths, list[str]]:
    """The paths below folders that hold nothing but one folder of folders, and the folders passed by."""
    passed: list[str] = []
    while inside:
        firsts = {parts[0] for parts in inside.values()}
        if len(firsts) > 1 or any(len(parts) < 3 for parts in inside.values()):
            break
        passed += firsts
        inside = {path: parts[1:] for path, parts in inside.items()}
    return inside, passed


def _grouped(inside: Paths) -> dict[str, dict[PurePosixPath, tuple[str, ...]]]:
    """Paths by their first folder; "" for files without one."""
    groups: defaultdict[str, dict[PurePosixPath, tuple[str, ...]]] = defaultdict(dict)
    for path, parts in inside.items():
        groups[parts[0] if len(parts) > 1 else ""][path] = parts
    return dict(groups)


def _classes(out: Arranged, inside: Paths, part: Part) -> None:
    """Every first folder is a class; what lies deeper belongs to it."""
    for path, parts in inside.items():
        out.places[path] = Place(part=part, name=spelled(parts[0]) if len(parts) > 1 else None)
    if deeper := ordered(parts[0] for parts in inside.values() if len(parts) > 2):
        note = f"images in folders below a class folder count to that class: {listed(deeper)}"
        out.notes += [note] if note not in out.notes else []


def _parts_below(out: Arranged, inside: Paths, groups: Mapping[str, object]) -> bool:
    """Place by parts that lie below the classes, <class>/train/*.png, if every class is made so."""
    if "" in groups or any(len(parts) < 3 or parts[1].lower() not in EXACT for parts in inside.values()):
        return False
    for path, parts in inside.items():
        out.places[path] = Place(part=EXACT[parts[1].lower()], name=spelled(parts[0]))
    out.notes.append("the parts are the folders below the class folders")
    return True


def _refuse_doubt(parts: Mapping[str, Part], alike: list[str], name: str) -> None:
    """Refuse where one folder alone is named like a part and its neighbours are made like it."""
    if len(parts) == 1 and alike and "train" in parts.values():
        (only,) = parts
        raise DataError(
            f"{name} has the folders {listed(ordered([only, *alike]))}: {only} may be a class or the train part; "
            "rename it if it is a class, or put the other folders elsewhere if it is the train part"
        )


def _one(out: Arranged, inside: Paths, part: Part, folder: str) -> None:
    """The classes of one part; a folder that repeats the part's name, or only holds its images, is passed by."""
    while True:
        firsts = {parts[0] for parts in inside.values()}
        again = len(firsts) == 1 and all(len(parts) > 1 for parts in inside.values())
        only = next(iter(firsts)) if again else ""
        if not again or not (only == folder or part_of(only) == part or only.lower() in ("images", "imgs", "data")):
            break
        inside = {path: parts[1:] for path, parts in inside.items()}
    _classes(out, inside, part)


def _say_parts(out: Arranged, parts: Mapping[str, Part]) -> None:
    for part in dict.fromkeys(parts.values()):
        same = ordered(folder for folder, found in parts.items() if found == part)
        if len(same) > 1:
            out.notes.append(f"{listed(same)} are read together as the {part} part")
        elif same[0].lower() != part:
            out.notes.append(f"{same[0]} is read as the {part} part")


def _others(out: Arranged, groups: Mapping[str, Paths], parts: Mapping[str, Part]) -> None:
    """Folders beside the parts: the classes of the train part if there is none and the names agree, else left out."""
    known = {place.name for place in out.places.values()}
    if "train" not in parts.values() and known & {spelled(folder) for folder in groups}:
        for found in groups.values():
            _classes(out, found, "train")
        out.notes.append(f"the folders beside {listed(ordered(parts))} are read as the classes of the train part")
        return
    for folder, found in groups.items():
        out.beside |= dict.fromkeys(
            found, f"{folder} is named like no part: rename it to train, test or val if it is one"
        )
    if groups:
        count = sum(map(len, groups.values()))
        out.notes.append(f"{count:,} images in {listed(ordered(groups))} are left out: no part by the folders' names")
