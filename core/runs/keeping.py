"""What every stage has in common: its time is counted, its checkpoints are kept, its images are drawn.

`keeping` wraps the work of a stage. Arrays in `Progress.state` go to checkpoint-<stage>.npz, at most every
few seconds and once more when the work is closed; images in `Progress.x` become the live mosaic and the film.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.events import Work
from core.plots.mosaic import mosaic, to_png
from core.runs import artifacts, frames
from core.runs.job import Ledger

SAVE_S = 5.0  # seconds between two checkpoints of a stage
DRAW_S = 0.5  # seconds between two mosaics
MOSAIC = "condensed.png"
T = TypeVar("T")


@contextmanager
def timed(ledger: Ledger, stage: str) -> Iterator[None]:
    """Add the wall seconds of the block to the stage's, also when it ends early."""
    began = time.monotonic()
    before = ledger.seconds.get(stage, 0.0)
    try:
        yield
    finally:
        ledger.seconds[stage] = round(before + time.monotonic() - began, 3)


def checkpoint_path(folder: Path, stage: str) -> Path:
    return folder / f"checkpoint-{stage}.npz"


def checkpoint(folder: Path, stage: str) -> Mapping[str, np.ndarray] | None:
    """What an earlier attempt at a stage left, or None."""
    path = checkpoint_path(folder, stage)
    return artifacts.load_arrays(path) if path.exists() else None


def keeping(work: Work[T], folder: Path, stage: str) -> Work[T]:
    """Run `work` and keep what its events bring; `state`, `x` and `y` travel no further."""
    saved = drawn = time.monotonic() - DRAW_S
    state: Mapping[str, np.ndarray] | None = None
    film = frames.Film(folder)
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as stop:
                return stop.value
            now = time.monotonic()
            film.take(event)
            if event.state is not None:
                state = event.state
                if now - saved >= SAVE_S:
                    artifacts.save_arrays(checkpoint_path(folder, stage), state)
                    state, saved = None, now
            if event.x is not None and now - drawn >= DRAW_S:
                draw(folder / MOSAIC, event.x, event.y)
                drawn = now
            yield replace(event, state=None, x=None, y=None)
    except GeneratorExit:
        if state is not None:
            artifacts.save_arrays(checkpoint_path(folder, stage), state)
        raise
    finally:
        work.close()
        film.save()


def forget(folder: Path, stage: str) -> None:
    """Remove the checkpoint of a stage whose result is stored."""
    checkpoint_path(folder, stage).unlink(missing_ok=True)


def draw(path: Path, x: np.ndarray, y: np.ndarray | None) -> None:
    """Write images as one PNG with a row per class; points of the plane make no picture."""
    if min(x.shape[2:]) > 1:
        artifacts.save_bytes(path, to_png(mosaic(x, y).image))
