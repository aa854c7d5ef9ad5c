"""What was understood of data that somebody brought, before anything is computed with them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One file or array that takes no part: what it is called in the source, and why it is left out."""

    file: str
    why: str


@dataclass(frozen=True, kw_only=True)
class PixelRange:
    """Which values there are, and which of them mean black and white.

    found         smallest and largest stored value of the images that are used
    read_as       stored values that become 0 and 1, a pair, or a pair for each channel; empty while nobody has said so
    needs_answer  the file does not tell what black and white are, and it matters: an attack's eps depends on it
    proposal      what `--range` would be, as far as the values tell; "" when no answer is needed
    sentence      all of it in words
    """

    found: tuple[float, float]
    read_as: tuple[tuple[float, float], ...] = ()
    needs_answer: bool = False
    proposal: str = ""
    sentence: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON values; one pair for all channels is given as a plain pair."""
        pairs = [list(pair) for pair in self.read_as]
        return asdict(self) | {
            "found": [float(end) for end in self.found],
            "read_as": None if not pairs else pairs[0] if len(pairs) == 1 else pairs,
        }


@dataclass(frozen=True, kw_only=True)
class Understood:
    """How a source was read.

    layout    the form it has, in words
    parts     number of images in train, test and validation, before any limit
    classes   names by label
    named     class names in the source that are called otherwise here
    range     which values there are and what they mean
    left_out  everything in the source that takes no part
    notes     sentences a reader needs
    """

    layout: str
    parts: Mapping[str, int]
    classes: tuple[str, ...]
    range: PixelRange
    named: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
