"""Clean and robust accuracy of a model on test images, with everything a reader needs to judge them.

Robust accuracy is the share of all judged images still classified correctly in the worst case over every
attack and restart that ran; an image that is wrong without an attack counts as not robust. The model is held
in eval mode and frozen, and left as it was. Sources: PGD: arXiv:1706.06083; AutoAttack:
arXiv:2003.01690; intervals: Wilson 1927. Cost: restarts * steps gradients for each image still standing.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import model_validator

from core.errors import ConfigError
from core.events import Progress, Work
from core.types import Accuracy, ClassCount, Norm, Options, RobustnessReport, TestSplit, option, stream

if TYPE_CHECKING:
    from torch import Tensor

PULSE_S = 0.4  # seconds between events
QUICK_STEPS = 10  # PGD steps of the look taken between epochs
FEW_STEPS, FEW_IMAGES = 10, 100  # below these a number means little, and the report says so

Logits = Callable[["Tensor"], "Tensor"]
AttackName = Literal["pgd", "strong", "autoattack"]


class Config(Options):
    """How a trained model is judged."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(0.3, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0)
    attack: AttackName = option(
        "pgd", "headline attack: pgd; strong adds margin-PGD 50 × 3; autoattack is the published standard"
    )
    attack_steps: int = option(20, "gradient steps of PGD", unit="steps", ge=1, le=1000)
    step_size: float = option(0.0, "step of PGD; 0 is 2.5 eps / steps", unit="pixels in [0, 1]", ge=0)
    restarts: int = option(1, "random starts of PGD; the worst counts", ge=1, le=100)
    images: int = option(500, "test images judged, the same share of each class", unit="images", ge=1)
    curve_points: int = option(8, "values of eps in the curve, 0 among them", ge=0, le=32)
    curve_end: float = option(0.0, "largest eps of the curve; 0 is 1.5 eps", unit="pixels in [0, 1]", ge=0)
    curve_images: int = option(200, "test images judged for the curve", unit="images", ge=1, advanced=True)
    precision: Literal["auto", "float32", "bfloat16"] = option(
        "auto", "what attacks compute gradients in; verdicts are float32; auto takes bfloat16 on a CUDA device that "
        "has it", advanced=True
    )  # fmt: skip
    live_images: int = option(
        100, "test images judged between epochs; 0 judges none", unit="images", ge=0, advanced=True
    )

    @model_validator(mode="after")
    def _autoattack_has_no_l1(self) -> Self:
        if self.attack == "autoattack" and self.norm == "L1":
            raise ConfigError("AutoAttack is defined for Linf and L2, got L1: choose attack strong")
        return self


def evaluate(
    model: Logits, test: TestSplit, config: Config, *, n_classes: int, seed: int, device: str
) -> Work[RobustnessReport]:
    """Measure clean accuracy, robust accuracy and the eps-curve.

    model    any function (n, c, h, w) in [0, 1] on `device` -> (n, n_classes) logits
    yields   Progress with stage "evaluate"; done and total count images judged, each attack on its own; `values`
             has clean_acc, then robust_acc, then curve_acc as they become known
    returns  RobustnessReport
    """
    from core.evaluation import judging

    rows = choose(test, config.images, seed)
    curve_rows = choose(test, config.curve_images, seed)
    strengths = curve_eps(config)
    total = 2 * len(rows) + len(strengths) * len(curve_rows)
    count = _Counter(total)

    x, y = _tensors(test, rows, device)
    clean = yield from count.through(judging.clean(model, x, y, seed), len(rows), "clean_acc")
    judged = yield from count.through(
        judging.headline(model, x, y, config, n_classes=n_classes, seed=seed), len(rows), "robust_acc"
    )
    classes = _by_class(test.y[rows], judging.right(model, x, y).cpu().numpy(), judged.standing.cpu().numpy())
    x, y = _tensors(test, curve_rows, device)
    curve = []
    for eps in strengths:
        point = (
            judging.pgd(model, x, y, config.replace(attack="pgd", eps=eps), seed)
            if eps
            else judging.clean(model, x, y, seed)
        )
        curve.append((yield from count.through(point, len(curve_rows), "curve_acc")))
    return RobustnessReport(
        clean=clean, robust=judged.accuracy, curve=tuple(curve), device=device, parts=judged.parts, classes=classes,
        notes=(*warnings(config, len(rows), len(test)), *judged.notes),
    )  # fmt: skip


def _by_class(y: np.ndarray, right: np.ndarray, standing: np.ndarray) -> tuple[ClassCount, ...]:
    """Counts of the judged images of each class; all three (n,)."""
    return tuple(
        ClassCount(
            label=int(label), images=int((y == label).sum()), clean=int(right[y == label].sum()),
            robust=int(standing[y == label].sum()),
        )
        for label in np.unique(y)
    )  # fmt: skip


def snapshot(
    model: Logits, test: TestSplit, config: Config, *, seed: int, device: str
) -> Work[tuple[Accuracy, Accuracy] | None]:
    """A quick look between epochs: clean and PGD accuracy at config.eps on `live_images` test images.

    PGD runs min(attack_steps, 10) steps from one random start, so its accuracy is at least the final one's up to
    chance. For watching only: nothing may be chosen by it.
    """
    from core.evaluation import judging

    if not config.live_images:
        return None
    x, y = _tensors(test, choose(test, config.live_images, seed), device)
    count = _Counter(2 * len(y))
    quick = config.replace(attack="pgd", attack_steps=min(config.attack_steps, QUICK_STEPS), restarts=1, step_size=0)
    clean = yield from count.through(judging.clean(model, x, y, seed), len(y), "clean_acc")
    robust = yield from count.through(judging.pgd(model, x, y, quick, seed), len(y), "robust_acc")
    return clean, robust


def choose(test: TestSplit, images: int, seed: int) -> np.ndarray:
    """Rows of a stratified random selection of at most `images` test images, (n,) int64, in random order.

    A smaller selection with the same seed is part of a larger one: each class is shuffled once, and images are
    taken in the order of their place within their class, relative to the size of the class.
    """
    generator = np.random.default_rng(stream(seed, "test images"))
    place = np.empty(len(test))
    for label in np.unique(test.y):
        rows = np.flatnonzero(test.y == label)
        place[generator.permutation(rows)] = (np.arange(len(rows)) + generator.random()) / len(rows)
    return np.argsort(place, kind="stable")[:images]


def curve_eps(config: Config) -> list[float]:
    """The radii of the curve: evenly spaced from 0 to its end, increasing; empty without curve points or eps."""
    end = config.curve_end or 1.5 * config.eps
    if not end:
        return [0.0] * min(config.curve_points, 1)
    return [round(float(eps), 10) for eps in np.linspace(0, end, config.curve_points)]


def warnings(config: Config, images: int, available: int) -> tuple[str, ...]:
    """Sentences that must stand beside the numbers."""
    found = []
    if config.attack == "pgd" and config.attack_steps < FEW_STEPS:
        found.append(
            f"PGD with {config.attack_steps} steps is too weak to mean anything: use at least {FEW_STEPS}, better 50"
        )
    if images < FEW_IMAGES:
        found.append(f"Only {images} test images were judged: one image is {100 / images:.1f} points")
    if images < config.images:
        found.append(f"The test split has {available} images; {config.images} were asked for")
    if config.attack != "autoattack":
        found.append("PGD only: an upper bound on robustness; AutoAttack not run")
    return tuple(found)


class _Counter:
    """Turns pauses of judging into Progress with a growing count of images."""

    def __init__(self, total: int) -> None:
        self.done, self.total, self.values = 0, total, {}

    def through(self, work: Generator, images: int, name: str) -> Work:
        """Run `work`, which pauses with the number of images it has finished; return its result."""
        base, last = self.done, time.monotonic()
        with closing(work):
            while True:
                try:
                    finished = next(work)
                except StopIteration as stop:
                    result = stop.value
                    break
                if time.monotonic() - last > PULSE_S:
                    last = time.monotonic()
                    yield self._event(base + min(finished, images))
        self.done = base + images
        accuracy = result if isinstance(result, Accuracy) else result[0]
        self.values[name] = accuracy.value
        yield self._event(self.done)
        return result

    def _event(self, done: int) -> Progress:
        values = dict(self.values)
        return Progress(stage="evaluate", done=done, total=self.total, unit="images", values=values)


def _tensors(test: TestSplit, rows: np.ndarray, device: str) -> tuple["Tensor", "Tensor"]:
    import torch

    x = torch.from_numpy(np.array(test.pixels(rows))).to(device)
    return x, torch.from_numpy(test.y[rows]).to(device)
