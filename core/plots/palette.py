"""Colours and dashes that stay apart for colour-blind readers and in print.

Colour says the method and the dash the training, the same on every page and for one run beside its references as for
many. Where one line says clean and another robust of the same run, the robust one is thick; what else differs is told
by marks and words. Where no methods meet, colour says what is measured, or which class.
Source: Okabe & Ito 2008, "Color Universal Design".
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zlib import crc32

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#8A8F98"

CLEAN, ROBUST = "#1F86C4", VERMILLION  # Okabe's blue, lightened until it is readable on a dark page too
CLASSES = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, "#8C6D31", "#6A51A3", GREY, "#B8A900")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "pentagon", "hexagon", "star-triangle-down")
MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left")  # of Vega
PUBLISHED = "#8A63D2"  # what others measured; no class, run or method has it
RUNS = (CLEAN, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)

SOLID, DASHED, DOTTED, DASHDOT = [1, 0], [7, 4], [2, 3], [8, 3, 2, 3]
# Where methods are compared; the reference is grey
METHODS = {
    "random": ORANGE, "mfc": CLEAN, "k-center": GREEN, "k-means": PURPLE, "adv-kip": VERMILLION, "kip": "#8C6D31",
    "dm": SKY, "herding": "#6A51A3", "full": GREY,
}  # fmt: skip
OTHERS = ("#B8A900", "#17A2A2", "#A0522D", "#E377C2", "#7F9F2F", "#5A5AD6", "#C44E52", "#4C7A9F")
TRAININGS = {
    "standard": SOLID, "adversarial": DASHED, "warm-start": DASHDOT, "trades": DOTTED, "fgsm-rs": [12, 4],
    "cure": [5, 2, 1, 2], "ibp": [1, 2], "smoothing": [10, 3, 2, 3, 2, 3],
}  # fmt: skip
OWN = "this run"
BARS = ("random", "k-means", "full")  # the references that a run is drawn beside


def method_colours(names: Collection[str]) -> dict[str, str]:
    """A colour of each method, its own wherever it is drawn.

    Those without one in the table share a few that no other method has: each begins at a place that its name decides
    and takes the next one only beside a method that has it already.
    """
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        start = crc32(name.encode()) % len(OTHERS)
        rest = (*OTHERS[start:], *OTHERS[:start])
        found[name] = METHODS.get(name) or next((c for c in rest if c not in found.values()), rest[0])
    return {name: found[name] for name in dict.fromkeys(names)}


def beside(method: str) -> dict[str, str]:
    """The colour of a run of a method, and of the references that it is drawn beside: those of another method."""
    colours = method_colours([method, *(name for name in BARS if name != method)])
    return {OWN if name == method else name: colour for name, colour in colours.items()}


def training_dash(name: str) -> list[int]:
    """The dash of a way of training."""
    return TRAININGS.get(name, SOLID)


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one run is drawn among others."""

    colour: str
    dash: list[int]
    shape: str


def looks(runs: Mapping[str, tuple[str, str]]) -> dict[str, Look]:
    """How runs are drawn beside each other: colour by method, dash by training, and a shape of their own for those
    that share both.

    runs  method and training, by run
    """
    colours, before = method_colours([method for method, _ in runs.values()]), Counter[tuple[str, str]]()
    found: dict[str, Look] = {}
    for name, (method, training) in runs.items():
        shape = MARKS[before[method, training] % len(MARKS)]
        found[name] = Look(colour=colours[method], dash=training_dash(training), shape=shape)
        before[method, training] += 1
    return found


def class_colour(label: int) -> str:
    """The colour of a class; labels ten apart share one and differ by symbol."""
    return CLASSES[label % len(CLASSES)]


def class_symbol(label: int) -> str:
    """The plotly symbol of a class, so that up to 80 classes stay apart."""
    return SYMBOLS[label // len(CLASSES) % len(SYMBOLS)]
