"""Accuracies that carry how they were measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np

from core.types.data import Norm

STEP = 2.5  # of the usual step of PGD: enough to reach any point of the ball, and to move along its border
Z95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


def usual_step(eps: Any, steps: int) -> Any:
    """The step of PGD where none is chosen: 2.5 eps / steps, in the units of eps (Madry et al., arXiv:1706.06083).

    eps  a float, or a tensor of radii, which gives a tensor
    """
    return STEP * eps / steps


def wilson(correct: int, images: int) -> tuple[float, float]:
    """The 95 % interval of a share, `correct` of at least one image (score interval, Wilson 1927)."""
    n, p, z = images, correct / images, Z95
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack with its strength; `none` with eps 0 is clean accuracy.

    eps        maximum norm of the perturbation in pixel units of [0, 1]
    step_size  PGD alpha in the same units
    gradients  what they were computed in where that is not float32; verdicts are always float32
    """

    name: str
    norm: Norm | None = None
    eps: float = 0.0
    steps: int = 0
    step_size: float = 0.0
    restarts: int = 0
    loss: str = ""
    gradients: str = ""

    def sentence(self) -> str:
        """As it stands beside a number: `PGD-20, Linf, eps 0.3, step 0.0375, 1 restart, CE`."""
        if self.name == "none":
            return "no attack"
        steps = f"-{self.steps}" if self.steps else ""
        parts = [f"{self.name}{steps}", str(self.norm), f"ε {self.eps:.4g}"]
        if self.step_size:
            parts.append(f"step {self.step_size:.3g}")
        if self.restarts:
            parts.append(f"{self.restarts} restart{'s' if self.restarts != 1 else ''}")
        if self.loss:
            parts.append(self.loss)
        if self.gradients:
            parts.append(f"gradients in {self.gradients}")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A share of test images with its 95 % interval.

    correct  images still classified correctly in the worst case over everything the attack ran
    images   all images judged; one that is wrong without an attack counts as not robust
    """

    correct: int
    images: int
    attack: Attack
    seed: int
    seconds: float

    @property
    def value(self) -> float:
        return self.correct / self.images

    @cached_property
    def interval(self) -> tuple[float, float]:
        return wilson(self.correct, self.images)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one attack of several did.

    images   it was given: those that all before it had left standing
    broken   it broke
    queries  images it had judged by the model, gradients counted once
    """

    name: str
    images: int
    broken: int
    seconds: float
    queries: int


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """How many of the judged images of a class are right without an attack, and under the headline attack."""

    label: int
    images: int
    clean: int
    robust: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdicts:
    """Which of the judged test images are right; all (n,).

    rows      of the images in the test split, int64
    right     without an attack, bool
    standing  under the headline attack, bool
    """

    rows: np.ndarray
    right: np.ndarray
    standing: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RobustnessReport:
    """Everything one evaluation measured.

    clean   accuracy without attack
    robust  accuracy under the headline attack
    curve   one Accuracy per eps of the eps-curve, increasing, starting at 0
    parts   the attacks behind `robust`, in the order they ran
    classes one count per class that occurs, in label order
    verdicts  image by image, behind `clean` and `robust`
    device  where it ran
    notes   warnings a reader needs: too few steps, a batch too small, ...
    """

    clean: Accuracy
    robust: Accuracy
    curve: tuple[Accuracy, ...]
    device: str
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    classes: tuple[ClassCount, ...] = ()
    verdicts: Verdicts | None = None


@dataclass(frozen=True, kw_only=True)
class NearestReport:
    """What a judgement of the nearest-neighbour classifier on a condensed set found.

    clean, certified, robust  the last two at the headline eps; certified is proven, robust what attacks leave
    curve                     (certified, robust) for each eps of the eps-curve
    radii                     quantiles of the proven radius over all judged images, 0 for wrong ones
    notes                     sentences a reader needs
    rows, radius              each judged test image with its proven radius
    """

    clean: Accuracy
    certified: Accuracy
    robust: Accuracy
    curve: tuple[tuple[Accuracy, Accuracy], ...]
    radii: Mapping[float, float]
    notes: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    radius: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CertifiedReport:
    """What a certificate proves of one classifier.

    clean      accuracy of the classifier that is certified; None where it is the network itself, judged elsewhere
    certified  at the headline eps
    curve      certified accuracy for each eps of the eps-curve
    radii      quantiles of the proven radius over all judged images, 0 for wrong ones; empty where none is known
    abstained  images at which the certificate says nothing, None where it always speaks
    """

    clean: Accuracy | None
    certified: Accuracy
    curve: tuple[Accuracy, ...]
    radii: Mapping[float, float] = field(default_factory=dict)
    abstained: int | None = None
