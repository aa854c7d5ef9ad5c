"""What work reports while it runs, and the ways to run it: to its end, inside other work, or by a driver.

Work is a generator: it yields `Progress` at least once a second and returns its result. It never
prints, never knows who listens. Cancelling is `close()`; clean-up is `finally`. Finer work pauses with anything, None
included; what it is a part of turns its pauses into `Progress`. Whoever runs work closes it, however that ends.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from core.errors import Cancelled

if TYPE_CHECKING:
    import torch

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
PULSE_S = 0.4  # seconds between two signs of life


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """One moment of a piece of work.

    stage   "load", "condense", "map", "train" or "evaluate"
    done    how many units are finished, 0 <= done <= total
    total   how many there will be; 0 when unknown
    unit    what done and total count: "images", "steps", "epochs", ...
    values  named scalars for curves and tables, finite floats
    note    one short sentence for the reader, or ""
    x, y    condensed images at this moment, (n, c, h, w) float32 in [0, 1] and (n,) int64, or None
    state   everything needed to resume from here as named arrays, or None
    model   the live network, for evaluation between epochs; lives in the worker, never stored
    """

    stage: str
    done: int = 0
    total: int = 0
    unit: str = "steps"
    values: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    x: np.ndarray | None = None
    y: np.ndarray | None = None
    state: Mapping[str, np.ndarray] | None = None
    model: "torch.nn.Module | None" = None


Work = Generator[Progress, None, T]


class Pulse:
    """Says when the next sign of life is due, over any number of pieces of work.

    every  seconds between two
    first  whether one is due at once
    """

    def __init__(self, every: float = PULSE_S, *, first: bool = False) -> None:
        self._every, self._last = every, time.monotonic() - (every if first else 0.0)

    def due(self) -> bool:
        """Whether it is time; if so, the next one is due `every` seconds from now."""
        now = time.monotonic()
        if now - self._last < self._every:
            return False
        self._last = now
        return True


def each(work: Generator[S, None, T], then: Callable[[S], Iterable[R]]) -> Generator[R, None, T]:
    """Run work inside other work: after each of its moments, what `then` makes of it; returns its result."""
    with closing(work):
        while True:
            try:
                moment = next(work)
            except StopIteration as stop:
                result: T = stop.value
                return result
            yield from then(moment)


def through(work: Generator[S, None, T], say: Callable[[S], R]) -> Generator[R, None, T]:
    """Run work inside other work, with `say` of each moment in its place; returns its result."""
    return (yield from each(work, lambda moment: (say(moment),)))


def pulsing(work: Generator[S, None, T], say: Callable[[S], R], pulse: Pulse | None = None) -> Generator[R, None, T]:
    """Run work inside other work, with `say` of a moment now and then; returns its result."""
    beat = pulse or Pulse()
    return (yield from each(work, lambda moment: (say(moment),) if beat.due() else ()))


def until(work: Generator[S, None, T], enough: Callable[[], bool]) -> Generator[S, None, T | None]:
    """Run work inside other work until it ends or, after one of its moments, `enough` says so: then None."""
    with closing(work):
        while True:
            try:
                moment = next(work)
            except StopIteration as stop:
                value: T = stop.value
                return value
            yield moment
            if enough():
                return None


def finish(work: Generator[Any, None, T]) -> T:
    """Run work to its end without listening, and return its result."""
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as stop:
                result: T = stop.value
                return result


def drive(
    work: Work[T],
    on_event: Callable[[Progress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> T:
    """Run work to its end, hand every event on, and return its result.

    raises  Cancelled when `cancelled()` turns true between two events; the generator is closed
            first, so its `finally` blocks have run
    """
    with closing(work):
        while True:
            if cancelled():
                raise Cancelled("stopped on request")
            try:
                event = next(work)
            except StopIteration as stop:
                result: T = stop.value
                return result
            on_event(event)
