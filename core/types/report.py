"""Accuracies that carry how they were measured."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

from core.types.data import Norm

Z95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


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
    """A share of test images with its 95 % interval (Wilson 1927, score interval).

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
        n, p, z = self.images, self.value, Z95
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, centre - half), min(1.0, centre + half)


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


@dataclass(frozen=True, kw_only=True)
class RobustnessReport:
    """Everything one evaluation measured.

    clean   accuracy without attack
    robust  accuracy under the headline attack
    curve   one Accuracy per eps of the eps-curve, increasing, starting at 0
    parts   the attacks behind `robust`, in the order they ran
    classes one count per class that occurs, in label order
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
