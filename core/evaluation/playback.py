"""Watch an attack: every iterate on a few test images, the loss along the way, and the loss around each image.

For looking, not for judging: a handful of images says nothing about a model's robust accuracy. Sources of the
attacks: core.attacks. Cost: steps gradients for each image, then 2 * grid^2 forward passes for its surface.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import model_validator

from core.errors import ConfigError
from core.evaluation.evaluate import choose
from core.events import Work
from core.types import Norm, Options, TestSplit, option

if TYPE_CHECKING:
    from torch import Tensor

AttackName = Literal["pgd", "fgsm", "autoattack", "deepfool", "carlini-wagner"]
LossName = Literal["ce", "margin", "dlr"]
MOST_ROWS = 24
NORMS: dict[AttackName, tuple[Norm, ...]] = {
    "pgd": ("Linf", "L2", "L1"),
    "fgsm": ("Linf", "L2", "L1"),
    "autoattack": ("Linf", "L2"),
    "deepfool": ("Linf", "L2", "L1"),
    "carlini-wagner": ("L2",),
}
MINIMAL = ("deepfool", "carlini-wagner")  # attacks that look for the shortest perturbation, whatever eps


class Config(Options):
    """Which attack is watched, and on which test images."""

    attack: AttackName = option("pgd", "pgd can be watched step by step; of the others only the end is known")
    norm: Norm = option("Linf", "norm of the perturbation")
    eps: float = option(0.3, "largest perturbation; DeepFool and C&W ignore it", unit="pixels in [0, 1]", ge=0)
    steps: int = option(20, "gradient steps of PGD, DeepFool, and of C&W for each of its six searches", ge=1, le=200)
    step_size: float = option(0.0, "step of PGD; 0 is 2.5 eps / steps", unit="pixels in [0, 1]", ge=0, advanced=True)
    loss: LossName = option("ce", "what PGD maximises", advanced=True)
    images: int = option(10, "test images, the same share of each class", unit="images", ge=1, le=MOST_ROWS)
    rows: tuple[int, ...] = option((), "rows of the test split to attack instead")
    grid: int = option(25, "points along each side of the loss surface", ge=3, le=61, advanced=True)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.norm not in NORMS[self.attack]:
            raise ConfigError(f"{self.attack} is defined for {' and '.join(NORMS[self.attack])}, got {self.norm}")
        if len(self.rows) > MOST_ROWS or any(row < 0 for row in self.rows):
            raise ConfigError(f"at most {MOST_ROWS} rows from 0 on can be attacked at once, got {self.rows}")
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class Playback:
    """An attack on n images as arrays; C classes, T moments, T = 1 is the clean image.

    rows, y      (n,) int64 rows of the test split and their labels
    frames       (n, T, c, h, w) float32: clean, random start and every step of PGD; for other attacks points of
                 the straight line from the clean to the attacked image
    line         whether the frames are points of that line
    loss, margin (n, T) float32 along the frames; margin > 0 means misclassified
    probability  (n, T, C) float32 softmax along the frames
    attacked     (n, c, h, w) float32: the iterate that is worst for the model
    length       (n,) float32 norm of attacked - clean
    best         (n,) int64 frame that is `attacked`
    side         (g,) float32 multiples of `radius` along both directions of the surface
    radius       (n,) float32 length of one unit on the surface, in the attack's norm
    surface, surface_margin  (n, g, g) float32 at clean + side[j] * gradient + side[i] * random, clipped to [0, 1]
    """

    rows: np.ndarray
    y: np.ndarray
    frames: np.ndarray
    line: bool
    loss: np.ndarray
    margin: np.ndarray
    probability: np.ndarray
    attacked: np.ndarray
    length: np.ndarray
    best: np.ndarray
    side: np.ndarray
    radius: np.ndarray
    surface: np.ndarray
    surface_margin: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Every field as an array, for an .npz; `of` is the inverse."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(**{**arrays, "line": bool(arrays["line"])})

    @property
    def fooled(self) -> np.ndarray:
        """(n,) bool: right on the clean image, wrong on the attacked one."""
        at = np.arange(len(self.rows))
        return (self.margin[:, 0] <= 0) & (self.margin[at, self.best] > 0)


def playback(
    model: "Callable[[Tensor], Tensor]", test: TestSplit, config: Config, *, n_classes: int, seed: int, device: str
) -> Work[Playback]:
    """Attack a few test images and keep what there is to see.

    model    any function (n, c, h, w) in [0, 1] on `device` -> (n, n_classes) logits; left exactly as it was
    yields   Progress with stage "attack"
    raises   ConfigError for rows that the test split does not have
    """
    from core.attacks import untouched
    from core.evaluation import playback_steps

    rows = np.array(config.rows, np.int64) if config.rows else choose_each(test, config.images, seed)
    if rows.max(initial=0) >= len(test):
        raise ConfigError(f"the test split has rows 0 to {len(test) - 1}, got {int(rows.max())}")
    with untouched(model):
        return (
            yield from playback_steps.record(model, test, rows, config, n_classes=n_classes, seed=seed, device=device)
        )


def choose_each(test: TestSplit, images: int, seed: int) -> np.ndarray:
    """Rows of as many test images, the same share of each class, ordered by class; (n,) int64."""
    rows = choose(test, images, seed)
    return rows[np.argsort(test.y[rows], kind="stable")]
