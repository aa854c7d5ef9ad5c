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

from core.engine import artifacts, writing
from core.engine.job import Job, Ledger
from core.events import Progress, Work, each, through
from core.jobs import frames
from core.plots.mosaic import mosaic, to_png

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


def counted(work: Work[T], ledger: Ledger, stage: str) -> Work[T]:
    """Run `work` and add the wall seconds it takes itself to the stage's, without those of whoever listens."""
    since = time.monotonic()

    def add() -> None:
        ledger.seconds[stage] = round(ledger.seconds.get(stage, 0.0) + time.monotonic() - since, 6)

    def then(event: Progress) -> Iterator[Progress]:
        nonlocal since
        add()
        try:
            yield event
        finally:
            since = time.monotonic()

    try:
        return (yield from each(work, then))
    finally:
        add()


def checkpoint_path(folder: Path, stage: str) -> Path:
    return folder / f"checkpoint-{stage}.npz"


def checkpoint(job: Job, stage: str) -> Mapping[str, np.ndarray] | None:
    """What an earlier attempt at a stage left, or None."""
    return job.kept(checkpoint_path(job.folder, stage), artifacts.load_arrays)


def keeping(work: Work[T], job: Job, stage: str) -> Work[T]:
    """Run `work` and keep what its events bring; `state`, `x` and `y` travel no further."""
    saved = drawn = time.monotonic() - DRAW_S
    state: Mapping[str, np.ndarray] | None = None
    folder, film = job.folder, frames.Film(job)

    def take(event: Progress) -> Progress:
        nonlocal saved, drawn, state
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
        return replace(event, state=None, x=None, y=None)

    try:
        return (yield from through(work, take))
    except GeneratorExit:
        if state is not None:
            artifacts.save_arrays(checkpoint_path(folder, stage), state)
        raise
    finally:
        film.save()


def forget(folder: Path, stage: str) -> None:
    """Remove the checkpoint of a stage whose result is stored."""
    checkpoint_path(folder, stage).unlink(missing_ok=True)


def draw(path: Path, x: np.ndarray, y: np.ndarray | None) -> None:
    """Write images as one PNG with a row per class; points of the plane make no picture."""
    if min(x.shape[2:]) > 1:
        writing.save_bytes(path, to_png(mosaic(x, y).image), durable=False)
