"""Change chosen train images a batch at a time: the loop that the methods of Ilyas et al. 2019 share.

Only one batch is on the device at once. Batches go through all classes side by side, so that a live picture fills
evenly. All randomness belongs to images and batches, never to a clock: a run resumed from a checkpoint, which holds the
batches that are done, ends in the bytes of one that never stopped. Progress comes at least once a second as long as one
gradient of one batch takes less.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from core.compressors.resuming import refuse_other
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, each
from core.types import TrainSplit, stream

CHECKPOINT_S = 20.0  # seconds between checkpoints
PICTURE_S = 0.5  # seconds between images
PULSE_S = 0.25  # seconds between events
SHOWN = 20  # images per class in a live picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """Train images to work on, by class and within a class in the order of a shuffle.

    rows  (m,) int64 rows of the train split
    y     (m,) int64 their classes
    rank  (m,) int64 place within the class
    """

    rows: np.ndarray
    y: np.ndarray
    rank: np.ndarray

    def batches(self, size: int) -> list[np.ndarray]:
        """Places 0..m-1 in batches, the first image of every class first."""
        order = np.lexsort((self.y, self.rank))
        return [order[i : i + size] for i in range(0, len(order), size)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """A batch in the middle of its change.

    images  (b, c, h, w) float32 in [0, 1], where they are now
    value   mean of what is minimised
    """

    images: np.ndarray
    value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Altered:
    """A batch that is done, with numbers for every image, each (b,) float32."""

    images: np.ndarray
    measures: Mapping[str, np.ndarray]


OneBatch = Generator[Callable[[], Moment], None, Altered]
Alter = Callable[[int, np.ndarray], OneBatch]


def choose(train: TrainSplit, ipc: int, n_classes: int, seed: int, method: str) -> Chosen:
    """Draw `ipc` images of each class without replacement; a class with fewer gives all it has."""
    if not len(train):
        raise ConfigError(f"{method} needs at least one train image, got none")
    rng = np.random.default_rng(stream(seed, method))
    groups = [rng.permutation(np.flatnonzero(train.y == label))[:ipc] for label in range(n_classes)]
    rows = np.concatenate(groups)
    return Chosen(rows=rows, y=train.y[rows], rank=np.concatenate([np.arange(len(group)) for group in groups]))


def run(
    alter: Alter,
    first: np.ndarray,
    y: np.ndarray,
    chosen: Chosen,
    *,
    batch: int,
    steps: int,
    value: str,
    measures: tuple[str, ...],
    checkpoint: Mapping[str, np.ndarray] | None,
) -> Work[Altered]:
    """Change every image.

    alter     (batch number, places) -> generator that pauses after each of `steps` gradients with a function giving
              the Moment, and returns the batch
    first     (m, c, h, w) float32 in [0, 1], the images before; overwritten
    y         (m,) int64 labels for the pictures
    value     what the mean that is minimised is called in events
    yields    Progress in steps over all batches; x has at most SHOWN images of a class, at first as they were before
    returns   all images, in the order of `chosen`
    raises    NumericsError when a value is not finite
    """
    batches = chosen.batches(batch)
    state = _State(
        now=first, y=y, found={name: np.zeros(len(y), np.float32) for name in measures}, steps=steps, value=value,
        shown=np.flatnonzero(chosen.rank < SHOWN), total=len(batches),
    )  # fmt: skip
    if checkpoint is not None:
        state.unpack(checkpoint)
    yield state.report(0, {}, picture=True)
    while state.done < len(batches):
        places = batches[state.done]
        altered = yield from state.through(alter(state.done, places), places)
        yield state.keep(places, altered)
    return Altered(images=state.now, measures=state.found)


@dataclass(kw_only=True, eq=False)
class _State:
    """The images as they are, and when what was last told."""

    now: np.ndarray
    y: np.ndarray
    found: dict[str, np.ndarray]
    steps: int
    value: str
    shown: np.ndarray
    total: int
    done: int = 0
    told: float = field(default_factory=time.monotonic)
    pictured: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)

    def through(self, work: OneBatch, places: np.ndarray) -> Work[Altered]:
        """One batch with signs of life."""
        steps = count(1)

        def then(moment: Callable[[], Moment]) -> Iterator[Progress]:
            step, now = next(steps), time.monotonic()
            if now - self.told < PULSE_S:
                return
            seen, self.told = moment(), now
            self.refuse_nan(seen.value)
            picture = now - self.pictured >= PICTURE_S
            if picture:
                self.now[places] = seen.images
            yield self.report(min(step, self.steps), {self.value: seen.value}, picture=picture)

        return (yield from each(work, then))

    def keep(self, places: np.ndarray, altered: Altered) -> Progress:
        """Put a batch that is done where it belongs; the event that tells of it."""
        self.now[places] = altered.images
        values = {name: float(numbers.mean()) for name, numbers in altered.measures.items()}
        for name, numbers in altered.measures.items():
            self.refuse_nan(values[name])
            self.found[name][places] = numbers
        self.done, now = self.done + 1, time.monotonic()
        last, self.told = self.done == self.total, now
        save = now - self.saved >= CHECKPOINT_S and not last
        self.saved = now if save else self.saved
        return self.report(0, values, picture=last or now - self.pictured >= PICTURE_S, save=save)

    def report(self, step: int, values: Mapping[str, float], *, picture: bool, save: bool = False) -> Progress:
        self.pictured = time.monotonic() if picture else self.pictured
        return Progress(
            stage="condense", done=self.done * self.steps + step, total=self.total * self.steps, values=values,
            x=self.now[self.shown] if picture else None, y=self.y[self.shown] if picture else None,
            state=self.pack() if save else None,
        )  # fmt: skip

    def pack(self) -> dict[str, np.ndarray]:
        """All images, those of the batches to come as they were at first."""
        arrays = {f"measure/{name}": numbers.copy() for name, numbers in self.found.items()}
        return {"x": self.now.copy(), "done": np.array(self.done), **arrays}

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        refuse_other(state, self.now.shape)
        self.now, self.done = np.array(state["x"]), int(state["done"])
        for name, numbers in self.found.items():
            numbers[:] = state[f"measure/{name}"]

    def refuse_nan(self, value: float) -> None:
        if not np.isfinite(value):
            raise NumericsError(
                f"{self.value} became {value} in batch {self.done + 1}: the source network has diverged, choose another"
            )
