"""Clean and robust accuracy of a model on test images, with everything a reader needs to judge them.

Robust accuracy is the share of all judged images still classified correctly in the worst case over every
attack and restart that ran; an image that is wrong without an attack counts as not robust. The model is held
in eval mode and frozen, and left as it was. Sources: PGD: arXiv:1706.06083; AutoAttack:
arXiv:2003.01690; intervals: Wilson 1927. Cost: restarts * steps gradients for each image still standing.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core.evaluation import verdicts
from core.evaluation.options import EvaluationConfig as Config
from core.evaluation.sample import choose
from core.events import Progress, Work, pulsing
from core.types import Accuracy, ClassCount, RobustnessReport, TestSplit, Verdicts

J = TypeVar("J", bound=Accuracy | verdicts.Judged)
QUICK_STEPS = 10  # PGD steps of the look taken between epochs
FEW_STEPS, FEW_IMAGES = 10, 100  # below these a number means little, and the report says so

Logits = Callable[[Tensor], Tensor]


def evaluate(
    model: Logits, test: TestSplit, config: Config, *, n_classes: int, seed: int, device: str
) -> Work[RobustnessReport]:
    """Measure clean accuracy, robust accuracy and the eps-curve.

    The curve goes from the smallest eps up and attacks only what still stands, so it never rises.

    model    any function (n, c, h, w) in [0, 1] on `device` -> (n, n_classes) logits
    yields   Progress with stage "evaluate"; done and total count images judged, each attack on its own; `values`
             has clean_acc, then robust_acc, then curve_acc as they become known
    returns  RobustnessReport
    """
    rows = choose(test, config.images, seed)
    curve_rows = choose(test, config.curve_images, seed)
    strengths = curve_eps(config)
    total = 2 * len(rows) + len(strengths) * len(curve_rows)
    count = _Counter(total)

    x, y = _tensors(test, rows, device)
    clean = yield from count.through(verdicts.clean(model, x, y, seed), len(rows), "clean_acc")
    judged = yield from count.through(
        verdicts.headline(model, x, y, config, n_classes=n_classes, seed=seed), len(rows), "robust_acc"
    )
    images = Verdicts(
        rows=rows, right=verdicts.right(model, x, y).cpu().numpy(), standing=judged.standing.cpu().numpy()
    )
    classes = _by_class(test.y[rows], images.right, images.standing)
    x, y = _tensors(test, curve_rows, device)
    curve, standing = [], torch.ones(len(y), dtype=torch.bool, device=y.device)
    for eps in strengths:
        if not eps:
            curve.append((yield from count.through(verdicts.clean(model, x, y, seed), len(y), "curve_acc")))
            continue
        point = verdicts.curve_point(model, x, y, config.replace(attack="pgd", eps=eps), seed, standing)
        found = yield from count.through(point, len(y), "curve_acc")
        curve, standing = [*curve, found.accuracy], standing & found.standing
    return RobustnessReport(
        clean=clean, robust=judged.accuracy, curve=tuple(curve), device=device, parts=judged.parts, classes=classes,
        verdicts=images,
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
    if not config.live_images:
        return None
    x, y = _tensors(test, choose(test, config.live_images, seed), device)
    count = _Counter(2 * len(y))
    quick = config.replace(attack="pgd", attack_steps=min(config.attack_steps, QUICK_STEPS), restarts=1, step_size=0)
    clean = yield from count.through(verdicts.clean(model, x, y, seed), len(y), "clean_acc")
    robust = yield from count.through(verdicts.pgd(model, x, y, quick, seed), len(y), "robust_acc")
    return clean, robust


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
        self.done, self.total = 0, total
        self.values: dict[str, float] = {}

    def through(self, work: Generator[int, None, J], images: int, name: str) -> Work[J]:
        """Run `work`, which pauses with the number of images it has finished; return its result."""
        base = self.done
        result = yield from pulsing(work, lambda finished: self._event(base + min(finished, images)))
        self.done = base + images
        accuracy = result if isinstance(result, Accuracy) else result.accuracy
        self.values[name] = accuracy.value
        yield self._event(self.done)
        return result

    def _event(self, done: int) -> Progress:
        values = dict(self.values)
        return Progress(stage="evaluate", done=done, total=self.total, unit="images", values=values)


def _tensors(test: TestSplit, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(np.array(test.pixels(rows))).to(device)
    return x, torch.from_numpy(test.y[rows]).to(device)
