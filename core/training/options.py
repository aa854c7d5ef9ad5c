"""Settings of every way of training, and what they share. Light: read by pages."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from core.errors import ConfigError
from core.types import Norm, Options, option

# How the condensation literature evaluates a set (Zhao et al. 2021, arXiv:2006.05929; with augmentation Zhao & Bilen
# 2021, arXiv:2102.08259): names for settings that a form or a command line fills in, any of which may be changed
_FIELD = {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0005, "batch": 256, "schedule": "half"}
PROTOCOLS: Mapping[str, Mapping[str, Any]] = {
    "field": {**_FIELD, "epochs": 300, "augment": "off"},
    "field-augmented": {**_FIELD, "epochs": 1000, "augment": "auto"},
}

RadiusPolicy = Literal["eps", "eps + radius", "eps + fraction * radius"]


class TrainingOptions(Options):
    """What every trainer needs: how long, how large the steps, what is kept.

    An epoch is one pass over the condensed images, so a small set needs many.
    """

    epochs: int = option(150, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    batch: int = option(64, "condensed images per step", unit="images", ge=2, le=65_536)
    optimizer: Literal["adam", "sgd"] = option("adam", "rule of the weight steps")
    lr: float = option(0.005, "learning rate; 0.01 is usual for sgd, 0.001 to 0.01 for adam", gt=0, le=100)
    schedule: Literal["constant", "cosine", "step", "half"] = option(
        "cosine", "course of the learning rate; half divides it by ten at one half, step at three quarters too"
    )
    loss: Literal["ce", "mse"] = option("ce", "cross-entropy, or squared distance to centred labels as in KIP")
    augment: Literal["off", "auto"] = option(
        "off", "auto shifts, scales, turns or cuts every image anew, before any attack, and mirrors colour images"
    )
    weighted: bool = option(False, "count each image as often as the train images it stands for in a cover")
    keep: Literal["last", "best"] = option(
        "last", "weights that are evaluated; best is judged on held-out train images, which costs time"
    )
    momentum: float = option(0.9, "momentum of sgd", ge=0, le=0.999, advanced=True)
    weight_decay: float = option(0.0005, "decay of the weights towards zero", ge=0, le=1, advanced=True)
    average: float = option(
        0.0, "weight averaging: share of the old average kept at each step; 0 is off", ge=0, le=0.9999, advanced=True
    )
    patience: int = option(
        0, "with keep best: judgements without gain (ten in all) until training stops; 0 is never", ge=0, advanced=True
    )


class AttackOptions(TrainingOptions):
    """What every trainer against an attack needs besides.

    The radius of image s is eps, eps + radius_s or eps + fraction * radius_s. With the middle one and `weighted`
    the trained loss is the right side of the bound of a cover (arXiv:2402.05675), its inner
    maximum estimated by the attack.
    """

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(
        0.3, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    step_size: float = option(
        0.0, "step of the inner attack at radius eps; 0 is automatic", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    radius_policy: RadiusPolicy = option("eps", "radius each image is attacked with; needs a cover beyond eps")
    fraction: float = option(0.5, "share of the covering radius in the third policy", ge=0, le=1)
    warmup: float = option(0.3, "share of the epochs in which the radius grows from 0 to its full size", ge=0, le=1)

    @model_validator(mode="after")
    def _step_needs_eps(self) -> Self:
        if self.step_size and not self.eps:
            raise ConfigError("step_size belongs to an eps above 0, got eps 0: set step_size to 0, or eps above 0")
        return self


class PGDOptions(AttackOptions):
    """What trainers share whose inner attack takes a chosen number of steps; the automatic step is 2.5 eps / steps."""

    attack_steps: int = option(10, "gradient steps of the inner attack", unit="steps", ge=1, le=1000)


class Standard(TrainingOptions):
    """Standard training."""


class Adversarial(PGDOptions):
    """PGD adversarial training."""


class WarmStart(AttackOptions):
    """Warm-start adversarial training."""

    attack_steps: int = option(2, "gradient steps added at each visit", unit="steps", ge=1, le=100)
    step_size: float = option(
        0.0, "step of the inner attack at radius eps; 0 is eps / 2", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    restart_share: float = option(
        0.05, "share of images that begin again at random in each epoch", ge=0, le=1, advanced=True
    )


class Trades(PGDOptions):
    """TRADES."""

    beta: float = option(6.0, "weight of robustness against clean accuracy; 1 to 10", ge=0, le=100)


class FGSMRS(AttackOptions):
    """Single-step adversarial training."""

    step_size: float = option(
        0.0, "size of the one step at radius eps; 0 is 1.25 eps", unit="pixels in [0, 1]", ge=0, le=100_000
    )


class Cure(TrainingOptions):
    """CURE."""

    reach: float = option(1.0, "L2 length of the step at whose end gradients are compared", unit="pixels in [0, 1]",
                          gt=0, le=1000)  # fmt: skip
    curvature: float = option(1.0, "weight of the turn of the gradient against the loss", ge=0, le=10_000)


class IBP(TrainingOptions):
    """Interval bounds."""

    epochs: int = option(600, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    batch: int = option(100, "condensed images per step", unit="images", ge=2, le=65_536)
    lr: float = option(0.0005, "learning rate", gt=0, le=100)
    loss: Literal["ce"] = option("ce", "cross-entropy")
    eps: float = option(0.1, "half side of the boxes that are proven, Linf", unit="pixels in [0, 1]", ge=0, le=1)
    warmup: float = option(0.6, "share of the epochs in which boxes and their weight grow from 0", ge=0, le=1)
    share: float = option(0.5, "weight of the proven loss against the plain one, once it has grown", ge=0, le=1)


class Smoothing(TrainingOptions):
    """Training with noise."""

    sigma: float = option(0.25, "standard deviation of the noise that is added to every image, at every visit",
                          unit="pixels in [0, 1]", gt=0, le=10)  # fmt: skip
