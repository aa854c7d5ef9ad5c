"""Whether something was done before: one digest of everything that decides what a run computes.

Settings, the content of the files they name and the versions of the rows they use make the digest; names of files do
not, so a data set is the same one under another path, and another one when its file is replaced. Studies, references,
covers and further judgements all ask here, from a page and from a shell alike. Cost: one look at the file system; the
content of a file is read again only after its size, time or inode changed, a folder is known by the list of its files.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.compressors import METHODS
from core.datasets import DATASETS
from core.networks import NETWORKS
from core.training import TRAINERS

TABLES: Mapping[str, Mapping[str, Any]] = {"method": METHODS, "network": NETWORKS, "training": TRAINERS}
FILES = ("condensed", "model", "cover", "standard", "weights")  # values of further jobs that are paths
BLOCK = 1 << 20
READING = 2  # raised when a data set is described otherwise; 1: folders of other parts were merged, nothing was listed


@dataclass(frozen=True)
class Identity:
    """The digest of a run, and what went into it besides the settings.

    digest  16 hex digits
    basis   {"files": {place in the values: fingerprint}, "versions": {table: version of the row}}
    """

    digest: str
    basis: Mapping[str, Mapping[str, Any]]


def identity(values: Mapping[str, Any], basis: Mapping[str, Any] | None = None) -> Identity:
    """What a run with these values is known by.

    values  JSON values of a RunConfig or of parts of it ({"data": ...} alone, for example), or of a further job with
            such under "settings"
    basis   fingerprints and versions of an earlier moment, instead of those of now
    """
    if not basis:
        files = {place: found for place, name in named(values) if (found := fingerprint(Path(name)))}
        basis = {"files": files, "versions": dict(_versions(values.get("settings", values)))}
    return Identity(digest({"values": _without(values, basis["files"]), **basis}), basis)


def digest(values: Mapping[str, Any]) -> str:
    """16 hex digits of JSON values, whatever the order of their names."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def fingerprint(path: Path) -> str:
    """What tells the present content of a file or folder from any other; "" when there is nothing.

    A file's is of its bytes. A folder's is of the names, sizes and times of its files: reading sixty thousand pictures
    to ask a question would take minutes.
    """
    try:
        path = path.expanduser()
        if path.is_file():
            found = path.stat()
            return _of_file(str(path.resolve()), found.st_size, found.st_mtime_ns, found.st_ino)
        return _of_folder(path) if path.is_dir() else ""
    except (OSError, ValueError, RuntimeError):  # no such path or user, or no permission: loading says so
        return ""


@lru_cache(maxsize=512)
def _of_file(path: str, size: int, modified: int, inode: int) -> str:
    content = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            content.update(block)
    return content.hexdigest()


def _of_folder(folder: Path) -> str:
    listing = hashlib.blake2b(digest_size=16)
    for path, size, modified in sorted(_listed(folder, "", (os.path.realpath(folder),))):
        listing.update(f"{path}\0{size}\0{modified}\0".encode("utf-8", "surrogateescape"))
    return listing.hexdigest()


def _listed(folder: Path, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real not in above:  # else a link that leads back
                    yield from _listed(Path(entry.path), f"{name}/", (*above, real))
            else:
                found = entry.stat(follow_symlinks=entry.is_file())
                yield name, found.st_size, found.st_mtime_ns


def named(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Places in the values that may name a file, and what is there: the data set, what the method takes, the rest."""
    inside = "settings." if "settings" in values else ""
    settings = values.get("settings", values)
    if (name := settings.get("data", {}).get("name", "")).lower() not in DATASETS and name:
        yield f"{inside}data.name", name
    method = settings.get("method", {})
    row = METHODS.get(method.get("name", ""))
    for option in row.takes if row else ():
        if value := method["options"].get(option, ""):
            yield f"{inside}method.options.{option}", value
    for place in FILES:
        if isinstance(value := values.get(place), str):
            yield place, value


def _versions(settings: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if _of_pictures(settings.get("data", {}).get("name", "")):
        yield "reading", READING
    if settings.get("networks", 1) > 1:
        yield "networks", 2  # 1: networks had seeds that runs of neighbouring seeds shared
    if _attacks_in_l2_or_l1(settings):
        yield "attacks", 2  # 1: steps and projections in L2 and L1 lost length to pixels at the box
    for part, table in TABLES.items():
        name = settings.get(part, {}).get("name")
        if name in table:
            yield part, table[name].version


def _is_folder(name: str) -> bool:
    try:
        return Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):  # no path at all: loading says so
        return False


def _of_pictures(name: str) -> bool:
    """Whether a data set is a folder or a zip, of which other images may be read than were by an earlier version."""
    return bool(name) and name.lower() not in DATASETS and (name.lower().endswith(".zip") or _is_folder(name))


def _attacks_in_l2_or_l1(settings: Mapping[str, Any]) -> bool:
    """Whether a model is trained or judged by such an attack, or a set made by one."""
    norms = [settings.get("evaluation", {}).get("norm"), settings.get("training", {}).get("options", {}).get("norm")]
    method = settings.get("method", {})
    norms += [method.get("options", {}).get("norm")] if "attack_steps" in method.get("options", {}) else []
    return any(norm in ("L2", "L1") for norm in norms)


def _without(values: Mapping[str, Any], places: Collection[str], path: str = "") -> dict[str, Any]:
    """The values with "" in these places."""
    return {
        name: "" if path + name in places
        else _without(value, places, f"{path}{name}.") if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }  # fmt: skip
