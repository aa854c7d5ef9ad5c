"""Images that occur more than once: of the test part in the train part, and with two labels in the train part.

Neither is an error, but both bound what any method can do: a test image that was trained on flatters, and two equal
images of different classes leave no classifier right on both and a cover no separation. Cost: one hash an image.
"""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from core.datasets.found import Array
from core.events import Progress, Work

PULSE_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Counted images.

    repeated   train images whose pixels came before in the train part
    torn       train images with an equal train image of another class
    known      test images whose pixels are in the train part
    disagree   of these, those whose label is not that of any equal train image
    """

    repeated: int
    torn: int
    known: int
    disagree: int

    def notes(self) -> tuple[str, ...]:
        """What a reader needs to know of it."""
        notes = []
        if self.known:
            differ = f", {self.disagree:,} of them with another label" if self.disagree else ""
            notes.append(f"{self.known:,} test images are in the train part too, pixel for pixel{differ}: they flatter")
        if self.torn:
            notes.append(
                f"{self.torn:,} train images have an equal train image of another class: the separation of the classes "
                "is 0, and no classifier is right on all of them"
            )
        if self.repeated:
            notes.append(f"{self.repeated:,} train images repeat an earlier one, pixel for pixel")
        return tuple(notes)


def count(x: Array, y: Array, x_test: Array, y_test: Array) -> Work[Twins]:
    """Compare every image with every other by a hash of its pixels.

    x, y  (n, c, h, w) and (n,) of the train part, then of the test part; both in one type
    """
    seen: dict[bytes, set[int]] = {}
    counts: dict[bytes, int] = {}
    last = time.monotonic()
    for row, label in enumerate(y.tolist()):
        key = _key(x[row])
        seen.setdefault(key, set()).add(label)
        counts[key] = counts.get(key, 0) + 1
        if time.monotonic() - last > PULSE_S:
            last = time.monotonic()
            yield Progress(stage="load", done=row + 1, total=len(y), unit="images", note="looking for equal images")
    known = disagree = 0
    for row, label in enumerate(y_test.tolist()):
        found = seen.get(_key(x_test[row]))
        known += found is not None
        disagree += found is not None and label not in found
        if time.monotonic() - last > PULSE_S:
            last = time.monotonic()
            yield Progress(
                stage="load", done=row + 1, total=len(y_test), unit="images", note="looking for equal images"
            )
    torn = sum(counts[key] for key, labels in seen.items() if len(labels) > 1)
    return Twins(repeated=len(y) - len(seen), torn=torn, known=known, disagree=disagree)


def _key(image: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
