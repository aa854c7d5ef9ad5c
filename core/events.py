"""What work reports while it runs, and the one driver that runs it.

Work is a generator: it yields `Progress` at least once a second and returns its result. It never
prints, never knows who listens. Cancelling is `close()`; clean-up is `finally`.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from core.errors import Cancelled

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


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


def drive(
    work: Work[T],
    on_event: Callable[[Progress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> T:
    """Run work to its end, hand every event on, and return its result.

    raises  Cancelled when `cancelled()` turns true between two events; the generator is closed
            first, so its `finally` blocks have run
    """
    try:
        while True:
            if cancelled():
                raise Cancelled("stopped on request")
            try:
                event = next(work)
            except StopIteration as stop:
                return stop.value
            on_event(event)
    finally:
        work.close()
