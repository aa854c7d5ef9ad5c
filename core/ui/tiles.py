"""Small pictures to choose from by looking: their classes in a row, and a button below each."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

MOST_SEGMENTS = 12  # classes beside each other; more become a list
Label = TypeVar("Label", int, str)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A test image: its number, what is pressed with it, its PNG, and what there is to see."""

    row: int
    value: int
    picture: bytes
    alt: str


def of_class(labels: Sequence[Label], key: str, called: Callable[[Label], str] = str) -> Label:
    """The class whose images are offered, the first until another is chosen."""
    if len(labels) > MOST_SEGMENTS:
        return st.selectbox("Class", labels, format_func=called, key=key)
    return st.segmented_control("Class", labels, default=labels[0], required=True, format_func=called, key=key)


def draw(tiles: Iterable[Tile], key: str, chosen: Collection[int], press: Callable[[int], None]) -> None:
    """The pictures in a row; a press calls `press` with the value of the one, those in `chosen` are marked."""
    with st.container(horizontal=True):
        for tile in tiles:
            with st.container(width=76):
                st.image(tile.picture, output_format="PNG", width=64, alt=tile.alt)
                st.button(
                    str(tile.row), key=f"{key}.{tile.value}", on_click=press, args=(tile.value,), width="stretch",
                    type="primary" if tile.value in chosen else "secondary",
                )  # fmt: skip
