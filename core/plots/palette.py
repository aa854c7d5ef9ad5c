"""Colours and dashes that stay apart for colour-blind readers and in print.

Colour says what is measured or which class; the dash says whose curve it is. Nothing is told by colour alone.
Source: Okabe & Ito 2008, "Color Universal Design".
"""

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#8A8F98"

CLEAN, ROBUST = "#1F86C4", VERMILLION  # Okabe's blue, lightened until it is readable on a dark page too
CLASSES = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, "#8C6D31", "#6A51A3", GREY, "#B8A900")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "pentagon", "hexagon", "star-triangle-down")
RUNS = (CLEAN, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)

SOLID, DASHED, DOTTED, DASHDOT = [1, 0], [7, 4], [2, 3], [8, 3, 2, 3]
DASHES = {"this run": SOLID, "random": DASHED, "full": DOTTED}


def class_colour(label: int) -> str:
    """The colour of a class; labels ten apart share one and differ by symbol."""
    return CLASSES[label % len(CLASSES)]


def class_symbol(label: int) -> str:
    """The plotly symbol of a class, so that up to 80 classes stay apart."""
    return SYMBOLS[label // len(CLASSES) % len(SYMBOLS)]
