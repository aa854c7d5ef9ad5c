"""What DM, DC and DSA share: real batches of every class, the learned images with their momentum, and the events.

Images are learned in pixels and clipped to [0, 1], which the papers do not do: eps means pixels here. The papers' steps
are on normalised images u = (x - mean) / std; a step of -lr dL/du moves x by -lr std^2 dL/dx, and that is what `move`
does, so learning rates are theirs. Every random number comes from a stream named by what it is for and the step, so
nothing random is part of a checkpoint, and a resumed run ends in the bytes of one that never stopped.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from core.compressors.matching.options import MatchingOptions
from core.compressors.resuming import refuse_other
from core.errors import ConfigError, NumericsError
from core.events import Progress, Pulse, Work, pulsing
from core.networks.augment import SMALLEST, Change, augment, draw, usual
from core.networks.statistics import channel_statistics
from core.types import CondensedSet, Told, TrainSplit, stream

CHECKPOINT_S = 20.0  # seconds between checkpoints
PICTURE_S = 0.5  # seconds between images
PULSE_S = 0.1  # seconds between events

Step = Generator[None, None, float]


@dataclass(frozen=True, eq=False)
class Real:
    """Real images, drawn by class and sent to the device a batch at a time."""

    train: TrainSplit
    rows: Mapping[int, np.ndarray]
    statistics: tuple[tuple[float, ...], tuple[float, ...]]
    method: str
    seed: int
    device: str

    @classmethod
    def of(cls, train: TrainSplit, method: str, seed: int, device: str) -> "Real":
        if not len(train):
            raise ConfigError(f"{method} needs at least one train image, got none")
        rows = {int(label): np.flatnonzero(train.y == label) for label in np.unique(train.y)}
        return cls(train, rows, channel_statistics(train), method, seed, device)

    def numbers(self, *names: str | int) -> int:
        """Seed of the stream `names` of this run."""
        return stream(self.seed, self.method, *names)

    def batch(self, label: int, size: int, step: int) -> Tensor:
        """(b, c, h, w) float32 images of a class, drawn without replacement for a step; all it has when fewer."""
        rng, rows = np.random.default_rng(self.numbers("batch", step, label)), self.rows[label]
        return torch.tensor(self.train.pixels(rng.permutation(rows)[:size]), device=self.device)

    def changes(self, kinds: Sequence[str], step: int) -> dict[int, Change | None]:
        """For each class the one change that its real and learned images share in a step; None without kinds."""
        source = torch.Generator().manual_seed(self.numbers("augment", step))
        return {label: draw(kinds, 1, source) if kinds else None for label in self.rows}


@dataclass(eq=False)
class Learned:
    """The learned images, all of a class in a row: x and velocity (m, c, h, w) float32, y (m,) int64.

    scale  (1, c, 1, 1) squared standard deviation of the real images
    """

    x: Tensor
    velocity: Tensor
    y: np.ndarray
    scale: Tensor
    step: int = 0

    @classmethod
    def begin(cls, real: Real, config: MatchingOptions) -> "Learned":
        """Real images of each class, or noise."""
        rng = np.random.default_rng(real.numbers("init"))
        rows = np.concatenate([rng.permutation(rows)[: config.ipc] for rows in real.rows.values()])
        pixels = real.train.pixels(rows)
        if config.init == "noise":
            pixels = rng.random(pixels.shape, dtype=np.float32)
        x = torch.tensor(pixels, device=real.device)
        scale = torch.tensor(real.statistics[1], device=real.device).square().view(1, -1, 1, 1)
        return cls(x, torch.zeros_like(x), real.train.y[rows], scale)

    def places(self, label: int) -> slice:
        """Where the images of a class are."""
        first, after = np.searchsorted(self.y, [label, label + 1])
        return slice(int(first), int(after))

    def move(self, gradient: Tensor, lr: float, momentum: float) -> None:
        """One step of SGD with momentum on the normalised images, then back into [0, 1]."""
        self.velocity.mul_(momentum).add_(gradient * self.scale)
        self.x.sub_(self.velocity, alpha=lr).clamp_(0, 1)
        self.step += 1

    def pack(self) -> dict[str, np.ndarray]:
        return {"x": array(self.x), "velocity": array(self.velocity), "step": np.array(self.step)}

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        refuse_other(state, tuple(self.x.shape))
        self.x.copy_(torch.tensor(state["x"]))
        self.velocity.copy_(torch.tensor(state["velocity"]))
        self.step = int(state["step"])


def changed(x: Tensor, change: Change | None) -> Tensor:
    """The images after a change; None leaves them as they are."""
    return x if change is None else augment(x, change)


def array(x: Tensor) -> np.ndarray:
    """A copy on the host."""
    return x.detach().cpu().numpy().copy()


def kinds(wish: Literal["auto", "off", "flip"], shape: tuple[int, int, int]) -> tuple[str, ...]:
    """Names of the changes for images of a shape: those of core.networks.augment.usual with colour; none for points."""
    if wish == "off" or min(shape[1:]) < SMALLEST:
        return ()
    chosen = ("colour", *usual(shape))
    return (*chosen, "flip") if wish == "flip" and "flip" not in chosen else chosen


def learn(
    learned: Learned, steps: int, advance: Callable[[], Step], pack: Callable[[], dict[str, np.ndarray]], note: str
) -> Work[dict[str, object]]:
    """Advance until `steps` steps are done.

    advance  one step as a generator that pauses with None, moves the images and returns the loss per class
    pack     everything to resume from
    yields   Progress in steps; value loss, the mean since the last event; x at most twice a second; state every 20 s
    returns  scalars for the `info` of the result
    raises   NumericsError when a loss is not finite
    """
    yield _report(learned, steps, [], note=note, picture=True)
    told = shown = saved = time.monotonic()
    losses: list[float] = []
    while learned.step < steps:
        loss = yield from _pulsing(advance(), learned, steps)
        if not isfinite(loss):
            raise NumericsError(f"the loss of step {learned.step} is {loss}, not a finite number: lower lr_img")
        losses.append(loss)
        now, last = time.monotonic(), learned.step == steps
        picture, keep = now - shown >= PICTURE_S or last, now - saved >= CHECKPOINT_S and not last
        if picture or keep or now - told >= PULSE_S:
            told, shown, saved = now, now if picture else shown, now if keep else saved
            yield _report(learned, steps, losses, picture=picture, state=pack() if keep else None)
            losses = []
    return {"loss": loss} if steps else {}


def _pulsing(work: Step, learned: Learned, steps: int) -> Work[float]:
    """One step, with a sign of life now and then when it is long."""
    return (yield from pulsing(work, lambda _: _report(learned, steps, []), Pulse(PULSE_S)))


def _report(
    learned: Learned, steps: int, losses: Sequence[float], *, note: str = "", picture: bool = False,
    state: Mapping[str, np.ndarray] | None = None,
) -> Progress:  # fmt: skip
    return Progress(
        stage="condense", done=learned.step, total=steps, values={"loss": float(np.mean(losses))} if losses else {},
        note=note, state=state, x=array(learned.x) if picture else None, y=learned.y.copy() if picture else None,
    )  # fmt: skip


def result(learned: Learned, n_classes: int, method: str, info: Mapping[str, object]) -> CondensedSet:
    """The learned images as a set."""
    return CondensedSet(
        x=array(learned.x), y=learned.y.copy(), n_classes=n_classes, method=method, info=Told.read(info)
    )
