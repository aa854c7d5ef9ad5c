"""Names of classes and parts: one order for every set of names, one spelling of every name, the words for parts.

Every order here is of a key that no two names share, so it never depends on the order of a set or of a folder.
"""

import re
import unicodedata
from collections.abc import Iterable

from core.datasets.found import Part

EXACT: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}  # fmt: skip
WITHIN = {word: part for word, part in EXACT.items() if word not in ("tr", "ts", "dev")}  # in longer names
BESIDE = {"set", "data", "dataset", "split", "images", "image", "imgs", "img", "pictures", "part", "folder", "files"}


def spelled(name: str) -> str:
    """The one spelling of a name: Unicode's NFC, so that é is é however it was typed."""
    return unicodedata.normalize("NFC", name)


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key that puts 2 before 10 and ignores case; names that tie so, as "a" and "A", follow their text."""
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    keys = tuple(
        (0, int(p), "") if p.isdecimal() and p.isascii() and len(p) < 1000 else (1, 0, p.lower()) for p in parts
    )
    return keys, name


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Different names in natural order."""
    return tuple(sorted(set(names), key=natural))


def part_of(name: str) -> Part | None:
    """Which part a folder or an array of this name is, or None: train, Training, seg_train, trainingSet, val-images."""
    plain = name.lower()
    if plain in EXACT:
        return EXACT[plain]
    words = [word for word in re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()) if word]
    if len(words) < 2:
        return next((part for word, part in WITHIN.items() if plain in {word + beside for beside in BESIDE}), None)
    if words[0] in WITHIN and all(word in BESIDE or word.isdecimal() for word in words[1:]):
        return WITHIN[words[0]]
    return WITHIN.get(words[-1] if words[-1] not in BESIDE else words[-2])


def listed(names: Iterable[str], most: int = 5) -> str:
    """Some names in a sentence, with the number of those that are not named."""
    found = list(names)
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" and {rest:,} more" if rest > 0 else "")
