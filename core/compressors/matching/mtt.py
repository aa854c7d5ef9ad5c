"""Trajectory matching: learn images on which a few steps lead a network where epochs on the real data led an expert.

Source: Cazenavette et al., "Dataset Distillation by Matching Training Trajectories", CVPR 2022, arXiv:2203.11932. A
step draws an expert and an epoch t, starts a student at the expert's weights w_t, and takes N steps of SGD on the
learned images, through which it differentiates; what is made small is

  |student after N steps - w_(t+M)|^2 / |w_t - w_(t+M)|^2

in the images and in the student's learning rate. MAT (Lai et al. 2025, arXiv:2503.12069) follows averaged weights of
adversarial training instead; the student sees no attack. Its code is not public: the share of the average is ours.
Cost per step: N times forward and twice backward of `batch` learned images, whose graphs are all held until the end.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from core.compressors.matching import learning
from core.compressors.matching.learning import Learned, Real, Step
from core.compressors.matching.trajectory_options import MAT, MTT
from core.errors import ConfigError
from core.events import Work
from core.networks.augment import augment, draw
from core.networks.model import build
from core.types import CondensedSet, Experts, TrainSplit

SLOWEST = 1e-6  # least learning rate of a student
STILL = 1e-12  # squared distance below which an expert went nowhere

View = Callable[[Tensor], Tensor]


def condense(
    train: TrainSplit, config: MTT, *, n_classes: int, seed: int, device: str, experts: Experts | None = None,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn `ipc` images per class from experts of standard training; see `run`."""
    return (yield from run(train, config, experts, "mtt", n_classes, seed, device, checkpoint))


def condense_adversarial(
    train: TrainSplit, config: MAT, *, n_classes: int, seed: int, device: str, experts: Experts | None = None,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn `ipc` images per class from experts of adversarial training; see `run`."""
    return (yield from run(train, config, experts, "mat", n_classes, seed, device, checkpoint))


def run(
    train: TrainSplit, config: MTT, experts: Experts | None, method: str, n_classes: int, seed: int, device: str,
    checkpoint: Mapping[str, np.ndarray] | None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn the images; see core.compressors.matching.learning.learn for what is yielded.

    experts     trained on the train split; what they were trained for is theirs to say
    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    raises      ConfigError when there is nothing to match, or experts are too short or for other images;
                NumericsError when the loss is not finite
    """
    real = Real.of(train, method, seed, device)
    loop = Loop(real, Learned.begin(real, config), fitting(experts, config, train, n_classes, method), config)
    if checkpoint is not None:
        loop.unpack(checkpoint)
    note = f"changes: {', '.join(loop.kinds) or 'none'}"
    info = yield from learning.learn(loop.learned, config.steps, loop.advance, loop.pack, note)
    told = {**info, "lr_student": float(loop.rate), "experts_training": loop.experts.training}
    return learning.result(loop.learned, n_classes, method, told)


def fitting(experts: Experts | None, config: MTT, train: TrainSplit, n_classes: int, method: str) -> Experts:
    """The experts, if they are long enough and for these images.

    raises  ConfigError
    """
    if experts is None:
        raise ConfigError(f"{method} needs trained experts, got none: name a finished run that left some")
    if experts.shape != train.shape or experts.n_classes < n_classes:
        raise ConfigError(
            f"{method} needs experts for {train.shape} images of {n_classes} classes, got some for {experts.shape} of "
            f"{experts.n_classes}: choose ones trained on the same kind of data"
        )
    if (needed := config.latest + config.span) > experts.epochs:
        raise ConfigError(
            f"students that begin as late as epoch {config.latest} need experts of {needed} epochs, got "
            f"{experts.epochs}: lower latest or span"
        )
    return experts


@dataclass(eq=False)
class Loop:
    """One step after another; the images and the student's learning rate go on from step to step.

    rate, velocity  that learning rate with its momentum, float32
    """

    real: Real
    learned: Learned
    experts: Experts
    config: MTT

    def __post_init__(self) -> None:
        made = self.experts
        device = self.real.device
        self.network = build(
            made.network, made.options, made.shape, made.n_classes, made.mean, made.std, seed=0
        ).to(device)  # fmt: skip
        self.labels = torch.tensor(self.learned.y, device=device)
        self.kinds = learning.kinds(self.config.augment, self.real.train.shape)
        self.rate, self.velocity = torch.tensor(self.config.lr_student), torch.tensor(0.0)

    def advance(self) -> Step:
        """Follow an expert for a while, then move images and learning rate; returns the distance that is left."""
        config, step = self.config, self.learned.step
        rng = np.random.default_rng(self.real.numbers("start", step))
        path = self.experts.weights[rng.integers(len(self.experts.weights))]
        first = int(rng.integers(config.latest + 1))
        begin, goal = (torch.tensor(path[epoch], device=self.real.device) for epoch in (first, first + config.span))
        x, rate = self.learned.x.detach().requires_grad_(), self.rate.clone().requires_grad_()
        loss = yield from followed(self.network, x, self.labels, begin, goal, rate, self._batches(step))
        g_x, g_rate = torch.autograd.grad(loss, (x, rate))
        self.learned.move(g_x, config.lr_img, config.momentum)
        self.velocity = config.momentum * self.velocity + g_rate
        self.rate = (self.rate - config.lr_lr * self.velocity).clamp(min=SLOWEST)
        return float(loss.detach())

    def _batches(self, step: int) -> list[tuple[Tensor, View]]:
        """For each step of the student: rows of the learned images, and how they are changed."""
        source = torch.Generator().manual_seed(self.real.numbers("student", step))
        rows: list[Tensor] = []
        while len(rows) < self.config.student_steps:
            rows += torch.randperm(len(self.labels), generator=source).split(self.config.batch)
        return [(part, self._view(len(part), source)) for part in rows[: self.config.student_steps]]

    def _view(self, count: int, source: torch.Generator) -> View:
        return partial(augment, change=draw(self.kinds, count, source)) if self.kinds else lambda x: x

    def pack(self) -> dict[str, np.ndarray]:
        return self.learned.pack() | {"rate": self.rate.numpy(), "rate_velocity": self.velocity.numpy()}

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        self.learned.unpack(state)
        self.rate, self.velocity = torch.tensor(state["rate"]), torch.tensor(state["rate_velocity"])


def followed(
    network: nn.Module, x: Tensor, y: Tensor, begin: Tensor, goal: Tensor, rate: Tensor,
    batches: Sequence[tuple[Tensor, View]],
) -> Generator[None, None, Tensor]:  # fmt: skip
    """The share of the way that is left after steps of SGD on learned images, with the graph of all of them.

    network      whose parameters, joined in their order, are (p,) vectors such as begin and goal
    x, y         (m, c, h, w) learned images and their labels
    begin, goal  (p,) weights of an expert, earlier and later
    rate         learning rate, a scalar
    batches      for each step the rows of x, and how they are changed
    raises       ConfigError when the expert went nowhere
    """
    way = (begin - goal).square().sum()
    if float(way) < STILL:
        raise ConfigError("an expert does not move: raise lr_expert, or begin earlier with a lower latest")
    weights = begin.detach().requires_grad_()
    for rows, view in batches:
        rows = rows.to(x.device)
        logits = functional_call(network, apart(network, weights), (view(x[rows]),))
        (slope,) = torch.autograd.grad(F.cross_entropy(logits, y[rows]), weights, create_graph=True)
        weights = weights - rate.to(weights.device) * slope
        yield
    return (weights - goal).square().sum() / way


def apart(network: nn.Module, weights: Tensor) -> dict[str, Tensor]:
    """A (p,) vector as parameters by name."""
    names, held = zip(*network.named_parameters(), strict=True)
    parts = weights.split([parameter.numel() for parameter in held])
    return {name: part.view_as(one) for name, part, one in zip(names, parts, held, strict=True)}
