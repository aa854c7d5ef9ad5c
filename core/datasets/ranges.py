"""Which stored values mean black and white: told by the source, asked of the reader, never guessed.

An attack's eps is a share of the way from black to white, so a wrong guess makes every robust accuracy meaningless.
Whole numbers stay whole numbers with `levels` steps where they fit a byte, so that distances are exact; all else is
float32, rounded once: value = low + pixel · (high - low) gives the source back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.datasets.found import Array, Found, Part
from core.errors import DataError
from core.types import PixelRange
from core.types.data import pairs

Pair = tuple[float, float]
UNIT: tuple[Pair, ...] = ((0.0, 1.0),)
DARK = 64  # whole numbers from arrays that stay below: too dark for bytes to be taken for 0..255
DARK_FILE = 32  # bytes of image files that stay below
FAINT = 1 / 64  # floats that stay below: most likely divided twice
DEEP = 65535 // 4  # 16-bit values of image files that stay at or below: most likely 10 to 14 bits
CLOSE = 1e-5  # by which floats may leave [0, 1] through rounding alone
NORMALISED: Mapping[
    str, tuple[tuple[float, ...], tuple[float, ...]]
] = {  # mean and deviation that the field divides by
    "MNIST": ((0.1307,), (0.3081,)),
    "FashionMNIST": ((0.2860,), (0.3530,)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR-10, as often written": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "CIFAR-100": ((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


@dataclass(frozen=True, kw_only=True)
class Values:
    """What is known of the values of all images together: the ends, by channel too, and of which kind they are."""

    low: float
    high: float
    channels: tuple[Pair, ...]
    whole: bool
    floats: bool
    tolerance: float

    @classmethod
    def of(cls, arrays: Sequence[Array]) -> "Values":
        """Look at (n, c, h, w) arrays."""
        axes = (0, 2, 3)
        low, high = (np.stack([end(x, axis=axes) for x in arrays]) for end in (np.min, np.max))
        channels = tuple(zip(low.min(0).tolist(), high.max(0).tolist(), strict=True))
        floats = any(x.dtype.kind == "f" for x in arrays)
        whole = all(map(is_whole, arrays))
        rounding = max((4 * float(np.finfo(x.dtype).eps) for x in arrays if x.dtype.kind == "f"), default=0.0)
        ends = {"low": min(pair[0] for pair in channels), "high": max(pair[1] for pair in channels)}
        return cls(**ends, channels=channels, whole=whole, floats=floats, tolerance=max(CLOSE, rounding))


def understand(found: Found, x: Mapping[Part, Array], asked: str) -> PixelRange:
    """What the values mean, as far as the source or the reader says.

    x      (n, c, h, w) by part, of the parts that are used
    asked  the reader's answer, as `--range` takes it, or ""
    raises DataError when values lie outside the answer, or it is for other channels
    """
    values = Values.of(list(x.values()))
    ends = (values.low, values.high)
    if asked:
        return PixelRange(found=ends, read_as=_answered(found, values, asked), sentence=f"read as {asked}, as asked")
    told = _told(found, values, next(iter(x.values())).dtype)
    return replace(told, found=ends)


def _answered(found: Found, values: Values, asked: str) -> tuple[Pair, ...]:
    answer = pairs(asked)
    if len(answer) not in (1, len(values.channels)):
        raise DataError(f"--range gives {len(answer)} pairs, {found.name} has {len(values.channels)} channel")
    for (low, high), (least, most) in zip(answer * len(values.channels), values.channels, strict=False):
        slack = values.tolerance * max(1.0, abs(low), abs(high)) if values.floats and not values.whole else 0.0
        slack = max(slack, 1e-3 * (high - low)) if values.floats and not values.whole else slack
        if least < low - slack or most > high + slack:
            raise DataError(
                f"{found.name} holds values {least:.6g} to {most:.6g}, outside the range {low:g}:{high:g}: give the "
                "values that mean black and white"
            )
    return answer


def _told(found: Found, values: Values, kind: np.dtype[np.generic]) -> PixelRange:
    """What the values mean without an answer; `found` of the range is filled in later."""
    low, high, ends = values.low, values.high, (values.low, values.high)
    name = found.images("train")
    if kind == np.bool_:
        return PixelRange(found=ends, read_as=((0.0, 1.0),), sentence="true is white, false black")
    if not values.floats:
        return _of_whole(found, values, name)
    if low >= -values.tolerance and high <= 1 + values.tolerance:
        if 0 < high < FAINT:
            return _ask(ends, f"0:{high:g}", f"{name} must reach further into [0, 1], got {low:.4g} to {high:.4g}")
        return PixelRange(found=ends, read_as=((0.0, 1.0),), sentence="floats in [0, 1]")
    start = f"{name} must lie in [0, 1] when it is float, got {low:.6g} to {high:.6g}"
    if values.whole and low >= 0 and high <= 255:
        return _ask(ends, _usual(high), f"{start}: whole numbers; divide it by {_usual(high)[2:]}")
    if low >= -1 - values.tolerance and high <= 1 + values.tolerance:
        return _ask(ends, "-1:1", f"{start}, which is how (x - 0.5) / 0.5 lies")
    for known, (mean, deviation) in NORMALISED.items():
        if _fits(values, mean, deviation):
            proposal = ",".join(f"{-m / d:.6g}:{(1 - m) / d:.6g}" for m, d in zip(mean, deviation, strict=True))
            return _ask(ends, proposal, f"{start}, which is how the mean and deviation of {known} leave it")
    if low < 0:
        return _ask(ends, f"{low:.6g}:{high:.6g}", f"{start}, as after a mean and deviation; give what 0 and 1 became")
    return _ask(ends, f"0:{_usual(high)[2:]}" if high <= 65535 else f"0:{high:.6g}", start)


def _of_whole(found: Found, values: Values, name: str) -> PixelRange:
    low, high, ends = values.low, values.high, (values.low, values.high)
    if found.depth == 65535:
        if high <= DEEP:
            start = f"{name} have 16 bits a pixel and reach from {low:g} to {high:g} only"
            return _ask(ends, f"0:{_bits(high)}", start)
        return PixelRange(found=ends, read_as=((0.0, 65535.0),), sentence="16-bit values, value / 65535")
    if low < 0 or high > 255:
        start = f"{name} must hold 8-bit values 0..255, got {low:g}..{high:g}"
        proposal = "-128:127" if low < 0 and low >= -128 and high <= 127 else f"{low:g}:{high:g}"
        return _ask(ends, proposal if low < 0 else f"0:{_bits(high)}", start)
    if high < (DARK_FILE if found.depth else DARK):
        start = f"{name}: whole numbers {low:g}..{high:g} are nearly black if white is 255"
        return _ask(ends, _usual(high) if high else "0:255", start)
    return PixelRange(found=ends, read_as=((0.0, 255.0),), sentence="whole numbers, 0 is black and 255 white")


def _ask(found: Pair, proposal: str, start: str) -> PixelRange:
    sentence = f"{start}: say which values are black and white, such as --range {proposal}"
    return PixelRange(found=found, needs_answer=True, proposal=proposal, sentence=sentence)


def _usual(high: float) -> str:
    """The usual range of whole numbers that reach up to `high`."""
    return f"0:{next((end for end in (1, 15, 16, 31, 63, 100, 127, 255) if high <= end), _bits(high))}"


def _bits(high: float) -> int:
    return next((2**bits - 1 for bits in (8, 10, 12, 14, 16) if high <= 2**bits - 1), int(high))


def _fits(values: Values, mean: Sequence[float], deviation: Sequence[float]) -> bool:
    """Whether every channel lies within what [0, 1] becomes under a mean and deviation, and nearly fills it."""
    if len(mean) != len(values.channels):
        return False
    ends = [(-m / d, (1 - m) / d) for m, d in zip(mean, deviation, strict=True)]
    return all(
        a - 0.01 <= low and high <= b + 0.01 and high - low >= 0.9 * (b - a)
        for (low, high), (a, b) in zip(values.channels, ends, strict=True)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Mapped:
    """Images with black at 0 and white at `levels`, or float32 in [0, 1] when levels is 0.

    outside  values that lay beyond an end by rounding and were brought to it
    """

    x: Array
    levels: int
    outside: int = 0


def mapped(x: Array, told: PixelRange, whole: bool) -> Mapped:
    """Bring (n, c, h, w) images to the range they were understood to have.

    whole  every image of every part is made of whole numbers, so that all parts come out alike
    """
    ends = told.read_as
    low, high = ends[0]
    byte = len(ends) == 1 and low.is_integer() and high.is_integer() and 1 <= high - low <= 255
    if byte and (x.dtype.kind in "biu" or (whole and ends != UNIT)):
        shifted = x.astype(np.int64) - int(low) if low else x
        return Mapped(x=np.ascontiguousarray(shifted, dtype=np.uint8), levels=int(high - low))
    if ends == UNIT:
        out = np.ascontiguousarray(x, dtype=np.float32)
    else:
        lows, highs = (np.array([pair[i] for pair in ends]).reshape(1, -1, 1, 1) for i in (0, 1))
        out = ((x.astype(np.float64) - lows) / (highs - lows)).astype(np.float32)
    outside = int(((out < 0) | (out > 1)).sum())
    return Mapped(x=np.clip(out, 0, 1) if outside else out, levels=0, outside=outside)


def is_whole(x: Array) -> bool:
    """Whether all values are whole numbers."""
    return x.dtype.kind in "biu" or bool((x == np.rint(x)).all())
