"""Prototypes: learn the images whose nearest-neighbour classifier is provably right in a ball around real images.

Each step takes a batch of real images and lowers the mean of min(max(violation + margin, 0), cap), the violation of
core.compressors.prototypes.objective, by Adam with a cosine; images stay in [0, 1]. No network is trained and nothing
is attacked: what comes out is a classifier with a certificate. Generalised learning vector quantisation with a proven
margin: Saralajew et al. 2020 (NeurIPS); Voracek & Hein 2022, arXiv:2207.07208. As a condensation method it is ours.
Live accuracies are those of the classifier on held-out train images, proven in float64 by core.certificates.
Cost: per step one distance of each image of the batch to each prototype, and two pairs of prototypes for each image.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, isfinite, pi

import numpy as np
import torch
from torch import Tensor

from core.certificates.nearest import Centres, prove
from core.compressors.held_out import apart
from core.compressors.prototypes import k_means
from core.compressors.prototypes.objective import violation
from core.compressors.prototypes.options import KMeans
from core.compressors.prototypes.options import Prototypes as Config
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, through
from core.types import CondensedSet, Told, TrainSplit, stream

CHECKPOINT_S = 20.0  # seconds between checkpoints
PICTURE_S = 0.5  # seconds between images
PULSE_S = 0.1  # seconds between events
JUDGEMENTS = 20  # times the live accuracies are taken, besides the start


@dataclass(eq=False)
class Learned:
    """What is learned: x (m, d) float32 with Adam's memory, and y (m,) int64, which stays."""

    x: Tensor
    y: np.ndarray
    adam: torch.optim.Adam
    step: int = 0

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, device: str) -> "Learned":
        images = torch.tensor(x.reshape(len(x), -1), device=device)
        return cls(images, y, torch.optim.Adam([images]))

    def pack(self) -> dict[str, np.ndarray]:
        """Everything as named arrays."""
        memory = self.adam.state_dict()["state"].get(0, {})
        arrays = {"x": self.x, **{f"adam/{name}": value for name, value in memory.items()}}
        packed = {name: value.detach().cpu().numpy().copy() for name, value in arrays.items()}
        return packed | {"y": self.y.copy(), "step": np.array(self.step)}

    @classmethod
    def unpack(cls, state: Mapping[str, np.ndarray], device: str) -> "Learned":
        """Go on from what `pack` gave."""
        found = cls.of(state["x"], np.array(state["y"]), device)
        memory = {name.removeprefix("adam/"): torch.tensor(state[name]) for name in state if name.startswith("adam/")}
        groups = found.adam.state_dict()["param_groups"]
        found.adam.load_state_dict({"state": {0: memory} if memory else {}, "param_groups": groups})
        found.step = int(state["step"])
        return found


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    start: CondensedSet | None = None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    start       a stored set to begin from, instead of `init`
    yields   Progress in steps; value loss, and now and then nearest_clean_acc and certified_acc on held-out train
             images; x at most twice a second; state every 20 seconds
    returns  CondensedSet without indices
    raises   ConfigError without two classes to tell apart, NumericsError when the loss is not finite
    """
    if not len(train):
        raise ConfigError("prototypes needs at least one train image, got none")
    rows, held = apart(train.y, config.held_out, stream(seed, "prototypes", "held-out"))
    if checkpoint is None:
        learned = yield from _begin(train, rows, config, n_classes, seed, device, start)
    else:
        learned = Learned.unpack(checkpoint, device)
    _refuse(learned, train)
    labels, values = torch.tensor(learned.y, device=device), {}
    told = shown = saved = time.monotonic()
    if learned.step in (0, config.steps):
        values = yield from _judge(train, held, learned, config)
        yield _report(train, learned, config, values, picture=True)
    losses: list[float] = []
    while learned.step < config.steps:
        losses.append(_advance(train, rows, learned, labels, config, seed))
        now, last, judged = time.monotonic(), learned.step == config.steps, learned.step in _judged(config.steps)
        if judged:
            values = yield from _judge(train, held, learned, config)
        picture, keep = now - shown >= PICTURE_S or last, now - saved >= CHECKPOINT_S and not last
        if picture or keep or judged or now - told >= PULSE_S:
            told, shown, saved = now, now if picture else shown, now if keep else saved
            said = {"loss": float(np.mean(losses)), **(values if judged else {})}
            state = learned.pack() if keep else None
            yield _report(train, learned, config, said, picture=picture, state=state)
            losses = []
    info = Told(certified_norm=config.norm, certified_eps=config.eps, held_out=len(held)).with_more(**values)
    x = learned.x.cpu().numpy().reshape(-1, *train.shape).copy()
    return CondensedSet(x=x, y=learned.y.copy(), n_classes=n_classes, method="prototypes", info=info)


def _begin(
    train: TrainSplit, rows: np.ndarray, config: Config, n_classes: int, seed: int, device: str,
    start: CondensedSet | None,
) -> Work[Learned]:  # fmt: skip
    """The first images: a stored set, centroids of the images that are not held out, or some of those."""
    if start is not None:
        if start.x.shape[1:] != train.shape or start.n_classes != n_classes:
            raise ConfigError(
                f"the first images must be like the train images, {train.shape} in {n_classes} classes, got "
                f"{start.x.shape[1:]} in {start.n_classes}: choose a set made from the same data"
            )
        return Learned.of(start.x.clip(0, 1), start.y.copy(), device)
    if config.init == "real":
        order = np.random.default_rng(stream(seed, "prototypes", "init")).permutation(rows)
        chosen = [np.sort(order[train.y[order] == label][: config.ipc]) for label in np.unique(train.y)]
        taken = np.concatenate(chosen)
        return Learned.of(train.pixels(taken), train.y[taken], device)
    first = k_means.condense(
        train.take(rows), KMeans(ipc=config.ipc, restarts=1), n_classes=n_classes, seed=seed, device=device
    )

    def say(event: Progress) -> Progress:
        note = f"first images: centroids of class {event.done} of {event.total}"
        return Progress(stage="condense", total=config.steps, note=note, x=event.x, y=event.y)

    found = yield from through(first, say)
    return Learned.of(found.x, found.y, device)


def _refuse(learned: Learned, train: TrainSplit) -> None:
    """Refuse sets that leave nothing to learn."""
    there = np.unique(learned.y)
    if len(there) < 2:
        raise ConfigError(f"prototypes tell classes apart, got {len(there)} class: choose data with two at least")
    missing = np.setdiff1d(train.y, there)
    if len(missing):
        raise ConfigError(f"the first images have none of class {missing[0]}: choose a set with images of every class")


def _advance(train: TrainSplit, rows: np.ndarray, learned: Learned, labels: Tensor, config: Config, seed: int) -> float:
    """One step; returns the loss."""
    rng = np.random.default_rng(stream(seed, "prototypes", "batch", learned.step))
    batch = rng.choice(rows, min(config.batch, len(rows)), replace=False)
    x = torch.tensor(train.pixels(batch).reshape(len(batch), -1), device=learned.x.device)
    y = torch.tensor(train.y[batch], device=learned.x.device)
    learned.x.requires_grad_()
    loss = (violation(x, y, learned.x, labels, config.norm, config.eps) + config.margin).clamp(0, config.cap).mean()
    (learned.x.grad,) = torch.autograd.grad(loss, learned.x)
    if not isfinite(float(loss.detach())):
        raise NumericsError(f"the loss of step {learned.step + 1} is not a finite number: lower lr, now {config.lr:g}")
    for group in learned.adam.param_groups:
        group["lr"] = config.lr * 0.5 * (1 + cos(pi * learned.step / config.steps))
    learned.adam.step()
    learned.x.requires_grad_(False).clamp_(0, 1)
    learned.step += 1
    return float(loss.detach())


def _judge(train: TrainSplit, held: np.ndarray, learned: Learned, config: Config) -> Work[dict[str, float]]:
    """Clean and certified accuracy of the nearest prototype on the held-out train images."""
    if not len(held):
        return {}
    centres = Centres.of(learned.x.cpu().numpy(), learned.y)
    work = prove(train.pixels(held), train.y[held], centres, config.norm)
    found = yield from through(work, lambda _: _report(train, learned, config, {}))
    return {"nearest_clean_acc": float(found.right.mean()), "certified_acc": float((found.radius > config.eps).mean())}


def _judged(steps: int) -> set[int]:
    """The steps after which the live accuracies are taken, the last one among them."""
    return {ceil(steps * part / JUDGEMENTS) for part in range(1, JUDGEMENTS + 1)}


def _report(
    train: TrainSplit, learned: Learned, config: Config, values: Mapping[str, float], *, picture: bool = False,
    state: Mapping[str, np.ndarray] | None = None,
) -> Progress:  # fmt: skip
    x = learned.x.detach().cpu().numpy().reshape(-1, *train.shape).copy() if picture else None
    y = learned.y.copy() if picture else None
    return Progress(stage="condense", done=learned.step, total=config.steps, values=dict(values), state=state, x=x, y=y)
