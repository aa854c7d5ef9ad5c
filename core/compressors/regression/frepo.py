"""FRePo: learn the images from which regression on a network's features predicts the real ones best.

Source: Zhou, Nezhadarya & Ba, "Dataset Distillation using Neural Feature Regression", NeurIPS 2022, arXiv:2206.00719.
Each step takes a network with features g from a pool and moves the learned images S against the squared error of

  f(x) = g(x) W,   W = g(S)' (g(S) g(S)' + ridge I)^-1 y_S

on a batch of real images; then that network takes one step on S. It is KIP with the kernel of a network that learns.
The images learn by Adam with a cosine; published is LAMB. Learned labels have no term that keeps them decided.

The adversarial form attacks the batch by PGD on the squared error of f before it moves the images, as adv-KIP does; the
attacked images are held fixed. It is ours: we know of no publication.
Cost per step: attack_steps + 1 passes of the batch, and one step on S forward, back and of the network.
"""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from math import cos, isfinite, pi

import numpy as np
import torch
from torch import Tensor

from core.attacks import LOSSES, pgd_steps
from core.compressors import backbone
from core.compressors.kernel.state import Real, Support, Threat, judged, source
from core.compressors.regression.networks import Networks
from core.compressors.regression.options import AdvFRePo, FRePo
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, pulsing, through
from core.kernels import Solution, centred, solve
from core.networks.statistics import channel_statistics
from core.types import CondensedSet, Told, TrainSplit

CHECKPOINT_S = 20.0  # seconds between checkpoints
PICTURE_S = 0.5  # seconds between images
WATCH_STEPS = 10  # of the attack on the live accuracy


NO_ATTACK = Threat(norm="Linf", eps=0.0, steps=0, warmup=0.0, watch_eps=0.0)


def condense(
    train: TrainSplit, config: FRePo, *, n_classes: int, seed: int, device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn `ipc` images per class; see `run`."""
    return (yield from run(train, config, NO_ATTACK, "frepo", n_classes, seed, device, checkpoint))


def condense_adversarial(
    train: TrainSplit, config: AdvFRePo, *, n_classes: int, seed: int, device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn `ipc` images per class from attacked batches; see `run`."""
    threat = Threat(
        norm=config.norm, eps=config.eps, steps=config.attack_steps, warmup=config.warmup, watch_eps=config.eps
    )
    return (yield from run(train, config, threat, "adv-frepo", n_classes, seed, device, checkpoint))


def run(
    train: TrainSplit, config: FRePo, threat: Threat, method: str, n_classes: int, seed: int, device: str,
    checkpoint: Mapping[str, np.ndarray] | None,
) -> Work[CondensedSet]:  # fmt: skip
    """Learn the images.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    yields      Progress in steps; values loss and eps, and now and then regression_clean_acc and, where there is an
                attack, regression_robust_acc on held-out train images; x at most twice a second; state every 20 seconds
    returns     CondensedSet, with soft_labels when they were learned
    raises      ConfigError when there is nothing to learn from, NumericsError when the loss is not finite
    """
    if not len(train):
        raise ConfigError(f"{method} needs at least one train image, got none")
    real = Real.split(train, config.held_out, seed, device)
    support = Support.begin(real, config, n_classes, seed, None)
    networks = Networks.begin(config, train.shape, n_classes, channel_statistics(train), seed, device)
    loop = Loop(real, support, networks, config, threat, n_classes, seed)
    if checkpoint is not None:
        support.unpack(checkpoint)
        networks.unpack(checkpoint)
    values: dict[str, float] = {}
    yield loop.report(values, picture=True)
    saved = shown = time.monotonic()
    while support.step < config.steps:
        values = yield from pulsing(loop.advance(), lambda _: loop.report({}))
        now, last = time.monotonic(), support.step == config.steps
        picture, keep = now - shown >= PICTURE_S or last, now - saved >= CHECKPOINT_S and not last
        shown, saved = now if picture else shown, now if keep else saved
        yield loop.report(values, picture=picture, state=support.pack() | networks.pack() if keep else None)
    soft = support.targets.cpu().numpy().copy() if config.learn_labels else None
    return CondensedSet(
        x=support.x.cpu().numpy().copy(), y=support.labels.copy(), n_classes=n_classes, method=method, soft_labels=soft,
        info=Told.read({"ridge": config.ridge, **{name: v for name, v in values.items() if name != "eps"}}),
    )  # fmt: skip


@dataclass(eq=False)
class Loop:
    """One step after another; the support and the networks go on from step to step."""

    real: Real
    support: Support
    networks: Networks
    config: FRePo
    threat: Threat
    n_classes: int
    seed: int

    def advance(self) -> Generator[None, None, dict[str, float]]:
        """Fit, attack, move, train the network; with the live accuracies when they are due."""
        support, step, steps = self.support, self.support.step, self.config.steps
        member, eps = self.networks.at(step), self.threat.at(step, steps)
        x, labels = self.real.batch(self.config.batch, self.seed, step)
        y = centred(labels, self.n_classes, x.dtype)
        own = support.x.detach().requires_grad_()
        features = member.network.features(own)
        fitted = Fitted.of(features, support.targets, self.config.ridge)
        model = fitted.model(member.network.features)
        x = yield from self._attacked(model, x, y, eps, step)
        loss, g_features, g_y = yield from fitted.gradient(member.network.features, x, y, self._size())
        if not isfinite(loss):
            raise NumericsError(f"the loss of step {step + 1} is not a finite number: lower lr, now {self.config.lr:g}")
        (g_x,) = torch.autograd.grad(features, own, g_features.to(features))
        support.move(g_x, g_y, self.config.lr * 0.5 * (1 + cos(pi * step / steps)), box=True)
        yield
        self.networks.train(member, support.x, support.targets)
        values = {"loss": loss, "eps": eps}
        if support.step in judged(steps):
            values |= yield from self._judge()
        return values

    def _attacked(
        self, model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, eps: float, step: int
    ) -> Generator[None, None, Tensor]:
        if not eps or not self.threat.steps:
            return x
        generator, moved = source(self.seed, "attack", step), []
        for part, targets in zip(x.split(self._size()), y.split(self._size()), strict=True):
            attack = pgd_steps(
                model, part, targets, norm=self.threat.norm, eps=eps, steps=self.threat.steps, loss="mse",
                generator=generator, keep="last",
            )  # fmt: skip
            moved.append((yield from through(attack, lambda _: None)))
        return torch.cat(moved)

    def _judge(self) -> Generator[None, None, dict[str, float]]:
        """Accuracy on held-out images with the features of the oldest network, clean and under margin-PGD."""
        if not len(self.real.held):
            return {}
        network, (x, y) = self.networks.oldest().network, self.real.images(self.real.held)
        with torch.no_grad():
            fitted = Fitted.of(network.features(self.support.x), self.support.targets, self.config.ridge)
        model, clean, robust = fitted.model(network.features), 0, 0
        generator = source(self.seed, "judge", self.support.step)
        for part, labels in zip(x.split(self._size()), y.split(self._size()), strict=True):
            with torch.no_grad():
                clean += int((model(part).argmax(1) == labels).sum())
            yield
            if self.threat.eps:
                attack = pgd_steps(
                    model, part, labels, norm=self.threat.norm, eps=self.threat.watch_eps, steps=WATCH_STEPS,
                    loss="margin", generator=generator,
                )  # fmt: skip
                worst = yield from through(attack, lambda _: None)
                with torch.no_grad():
                    robust += int((model(worst).argmax(1) == labels).sum())
        values = {"regression_clean_acc": clean / len(y)}
        return values | ({"regression_robust_acc": robust / len(y)} if self.threat.eps else {})

    def _size(self) -> int:
        return backbone.at_once(self.real.train.shape, self.config.width, self.real.device) // 3 + 1

    def report(
        self, values: Mapping[str, float], *, picture: bool = False, state: Mapping[str, np.ndarray] | None = None
    ) -> Progress:
        support = self.support
        return Progress(
            stage="condense", done=support.step, total=self.config.steps, unit="steps", values=values, state=state,
            x=support.x.cpu().numpy().copy() if picture else None, y=support.labels.copy() if picture else None,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fitted:
    """Ridge regression on features, solved in float64.

    features  (m, d) float64 of the support
    solution  alpha (m, C), so that W = features' alpha
    """

    features: Tensor
    solution: Solution

    @classmethod
    def of(cls, features: Tensor, targets: Tensor, ridge: float) -> "Fitted":
        exact = features.detach().double()
        return cls(exact, solve(exact @ exact.T, targets.double(), ridge))

    @property
    def weights(self) -> Tensor:
        """(d, C) float64 W."""
        return self.features.T @ self.solution.alpha

    def model(self, features: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """(n, c, h, w) pixels -> (n, C): the network's features and W as a last layer."""
        weights = self.weights.float()
        return lambda x: features(x) @ weights

    def gradient(
        self, features: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, size: int
    ) -> Generator[None, None, tuple[float, Tensor, Tensor]]:
        """Mean squared error on a batch, and its gradient by the support's features (m, d) and targets (m, C)."""
        weights, total = self.weights, 0.0
        slope = torch.zeros_like(weights)
        for part, targets in zip(x.split(size), y.split(size), strict=True):
            with torch.no_grad():
                seen = features(part).double()
            away = seen @ weights - targets.double()
            total += float(LOSSES["mse"](seen @ weights, targets.double()).sum()) / len(x)
            slope += 2 / len(x) * seen.T @ away
            yield
        g_gram, g_y = self.solution.reverse(self.features @ slope)
        return total, self.solution.alpha @ slope.T + (g_gram + g_gram.T) @ self.features, g_y
