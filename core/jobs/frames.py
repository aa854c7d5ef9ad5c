"""A dozen pictures of how condensed images formed, evenly spaced however long it takes.

Kept while they come: when there are too many, every second one goes and only every second one is taken from then on.
Cost: at most `MOST` copies of the images in 8 bits; larger sets than `LARGEST` bytes are not filmed.
"""

from pathlib import Path

import numpy as np

from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress

NAME = "frames.npz"
MOST = 12
LARGEST = 20_000_000  # bytes of one set in float32
Frame = tuple[int, np.ndarray]


class Film:
    """Frames of one condensation; goes on from what an interrupted attempt left in the folder."""

    def __init__(self, job: Job) -> None:
        self.path, self.every, self.seen = job.folder / NAME, 1, 0
        self.last: Frame | None = None
        self.frames = job.kept(self.path, _frames) or []

    def take(self, event: Progress) -> None:
        """Look at an event; images of another shape than before begin a new film."""
        if event.x is None or event.x.nbytes > LARGEST:
            return
        frame = (event.done, np.round(255 * np.clip(event.x, 0, 1)).astype(np.uint8))
        if self.frames and self.frames[0][1].shape != frame[1].shape:
            self.frames, self.every, self.seen = [], 1, 0
        while self.frames and self.frames[-1][0] >= event.done:  # work that is done again after a break
            self.frames.pop()
        if not self.frames or self.seen % self.every == 0:
            self.frames.append(frame)
        self.seen, self.last = self.seen + 1, frame
        if len(self.frames) > MOST:
            self.frames, self.every = self.frames[::2], 2 * self.every

    def save(self) -> None:
        """Write the frames with the last one among them; a film of a single picture is none."""
        frames = self.frames
        if self.last is not None and frames[-1][0] != self.last[0]:
            frames = [*frames[: MOST - 1], self.last]
        if self.last is not None and len(frames) > 1:
            steps, images = zip(*frames, strict=True)
            artifacts.save_arrays(self.path, {"x": np.stack(images), "step": np.array(steps, np.int64)})


def _frames(path: Path) -> list[Frame]:
    found = artifacts.load_arrays(path)
    return list(zip(found["step"].tolist(), found["x"], strict=True))
