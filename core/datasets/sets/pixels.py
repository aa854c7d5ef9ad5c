"""Black and white of a set from elsewhere: published images are mostly normalised by a mean and deviation.

Which ones is not written into the files. What the field divides by for a data set is proposed and shown, and taken only
when the reader confirms it, since eps is a share of the way from black to white. Learned pixels are seldom bounded:
values beyond the ends are brought to them only when that is asked for, and how many they were is recorded. Where no
known mean and deviation leaves at least nine tenths of the values inside, nothing is proposed (whitened sets, for one).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets.found import Array
from core.errors import DataError
from core.types import PixelRange
from core.types.data import pairs

Statistics = tuple[Sequence[float], Sequence[float]]
FIELD: Mapping[str, tuple[Statistics, ...]] = {  # the code of DC and its descendants first
    "mnist": (((0.1307,), (0.3081,)),),
    "fashion-mnist": (((0.2861,), (0.3530,)),),
    "svhn": (((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),),
    "cifar10": (
        ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
        ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    ),
    "cifar100": (((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),),
}
MOST_OUTSIDE = 0.1  # share of values beyond black and white up to which a mapping is proposed
ROUNDING = 1e-5
LEAST_SPREAD = 0.02  # deviation of pixels in [0, 1] below which a mapping leaves nothing to see


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """Images (n, c, h, w) float32 in [0, 1], brought to the ends where they lay beyond, and how they were read.

    outside   share of all values that lay beyond black or white by more than rounding
    furthest  how far the furthest of them lay, as a part of the way from black to white
    """

    x: Array
    told: PixelRange
    outside: float = 0.0
    furthest: float = 0.0


def understand(x: Array, asked: str, clip: bool, *, data: str, own: Statistics, name: str) -> Pixels:
    """Read the values of (n, c, h, w) images.

    asked   black and white as `--set-range` takes them, or ""
    clip    whether values beyond them may be brought to them
    data    name of the data set; `own` are mean and deviation of its train split
    raises  DataError for values that are no numbers, or lie outside the answer
    """
    if x.dtype.kind not in "biuf":
        raise DataError(f"images of {name} must be numbers, got {x.dtype}")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise DataError(f"images of {name} hold NaN or infinite values: the set is damaged")
    ends = float(x.min()), float(x.max())
    if asked:
        return _answered(x, asked, clip, ends, name)
    if x.dtype.kind == "b":
        return _read(x, ((0.0, 1.0),), ends, "true is white, false black")
    if x.dtype.kind in "iu":
        if x.dtype == np.uint8 and ends[1] > 63:
            return _read(x, ((0.0, 255.0),), ends, "whole numbers, 0 is black and 255 white")
        return _ask(x, ((0.0, 255.0),), ends, f"{name} holds whole numbers {ends[0]:g} to {ends[1]:g}")
    if ends[0] >= 0 and ends[1] <= 1:
        return _read(x, ((0.0, 1.0),), ends, "floats in [0, 1]")
    return _propose(x, ends, data, own, name)


def _answered(x: Array, asked: str, clip: bool, ends: tuple[float, float], name: str) -> Pixels:
    answer = pairs(asked)
    if len(answer) not in (1, x.shape[1]):
        raise DataError(f"--set-range gives {len(answer)} pairs, {name} has {x.shape[1]} channel")
    found = _read(x, answer, ends, f"read as {asked}, as asked")
    if found.outside and not clip:
        raise DataError(
            f"{found.outside:.2%} of the values of {name} lie beyond the black and white of {asked}, by up to "
            f"{found.furthest:.3g} of the way between them: give others, or --clip to bring them to the ends"
        )
    return found


def _propose(x: Array, ends: tuple[float, float], data: str, own: Statistics, name: str) -> Pixels:
    start = f"the values of {name} reach from {ends[0]:.4g} to {ends[1]:.4g}"
    candidates: list[tuple[str, Statistics]] = [(f"the field's for {data}", one) for one in FIELD.get(data, ())]
    candidates += [("this train split's", own)]
    for whose, (mean, deviation) in candidates:
        if len(mean) != x.shape[1]:
            continue
        answer = tuple((-m / d, (1 - m) / d) for m, d in zip(mean, deviation, strict=True))
        found = _read(x, answer, ends, "")
        if found.outside <= MOST_OUTSIDE and found.x.std() >= LEAST_SPREAD:
            numbers = " and ".join("/".join(f"{v:g}" for v in np.round(part, 4)) for part in (mean, deviation))
            beyond = (
                f"; {found.outside:.1%} of the values then lie beyond black or white, by up to {found.furthest:.2g}, "
                "and need --clip"
                if found.outside
                else ""
            )
            return _ask(x, answer, ends, f"{start}, as after mean and deviation {numbers} ({whose}){beyond}")
    sentence = (
        f"{start}, and no mean and deviation that is known for {data} brings them between black and white: say what 0 "
        "and 1 became as --set-range low:high, a pair a channel, or undo the whitening first if it was whitened"
    )
    return Pixels(x=_stretched(x), told=PixelRange(found=ends, needs_answer=True, proposal="", sentence=sentence))


def _ask(x: Array, answer: Sequence[tuple[float, float]], ends: tuple[float, float], start: str) -> Pixels:
    proposal = ",".join(f"{low:.9g}:{high:.9g}" for low, high in answer)
    found = _read(x, tuple(answer), ends, "")
    sentence = f"{start}: look at the images, then confirm with --set-range={proposal}"
    told = PixelRange(found=ends, needs_answer=True, proposal=proposal, sentence=sentence)
    return Pixels(x=found.x, told=told, outside=found.outside, furthest=found.furthest)


def _read(x: Array, answer: tuple[tuple[float, float], ...], ends: tuple[float, float], sentence: str) -> Pixels:
    lows, highs = (np.array([pair[i] for pair in answer]).reshape(1, -1, 1, 1) for i in (0, 1))
    if answer == ((0.0, 1.0),):
        out = np.ascontiguousarray(x, np.float32)
    else:
        out = ((x.astype(np.float64) - lows) / (highs - lows)).astype(np.float32)
    beyond = np.maximum(-out, out - 1)
    return Pixels(
        x=np.clip(out, 0, 1), told=PixelRange(found=ends, read_as=answer, sentence=sentence),
        outside=float((beyond > ROUNDING).mean()), furthest=max(0.0, float(beyond.max())),
    )  # fmt: skip


def _stretched(x: Array) -> Array:
    """Images to look at while nobody knows what black and white are: from the smallest value to the largest."""
    low, high = float(x.min()), float(x.max())
    return ((x - low) / max(high - low, 1e-12)).astype(np.float32)
