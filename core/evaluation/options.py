"""How a model is judged, audited and attacked for show: settings, and what goes with what. Light: read by pages."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from core.errors import ConfigError
from core.types import Norm, Options, option

AttackName = Literal["pgd", "strong", "autoattack"]
WatchedAttack = Literal["pgd", "fgsm", "autoattack", "deepfool", "carlini-wagner"]
LossName = Literal["ce", "margin", "dlr"]
MOST_ROWS = 24
NORMS: Mapping[WatchedAttack, tuple[Norm, ...]] = {
    "pgd": ("Linf", "L2", "L1"),
    "fgsm": ("Linf", "L2", "L1"),
    "autoattack": ("Linf", "L2", "L1"),
    "deepfool": ("Linf", "L2", "L1"),
    "carlini-wagner": ("L2",),
}
MINIMAL = ("deepfool", "carlini-wagner")  # attacks that look for the shortest perturbation, whatever eps


class EvaluationConfig(Options):
    """How a trained model is judged."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(
        0.3, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    attack: AttackName = option(
        "pgd", "headline attack: pgd; strong adds margin-PGD 50 × 3; autoattack is the published standard"
    )
    attack_steps: int = option(20, "gradient steps of PGD", unit="steps", ge=1, le=1000)
    step_size: float = option(0.0, "step of PGD; 0 is 2.5 eps / steps", unit="pixels in [0, 1]", ge=0, le=100_000)
    restarts: int = option(1, "random starts of PGD; the worst counts", ge=1, le=100)
    images: int = option(500, "test images judged, the same share of each class", unit="images", ge=1)
    curve_points: int = option(8, "values of eps in the curve, 0 among them", ge=0, le=32)
    curve_end: float = option(0.0, "largest eps of the curve; 0 is 1.5 eps", unit="pixels in [0, 1]", ge=0, le=100_000)
    curve_images: int = option(200, "test images judged for the curve", unit="images", ge=1, advanced=True)
    precision: Literal["auto", "float32", "bfloat16"] = option(
        "auto", "what attacks compute gradients in; verdicts are float32; auto takes bfloat16 on a CUDA device that "
        "has it", advanced=True
    )  # fmt: skip
    live_images: int = option(
        100, "test images judged between epochs; 0 judges none", unit="images", ge=0, advanced=True
    )


class CertificateConfig(Options):
    """How something is proven of a trained network; n0, n, alpha and sigma are of smoothing."""

    certificate: Literal["ibp", "smoothing"] = option("ibp", "interval bounds in Linf, or randomised smoothing in L2")
    sigma: float | None = option(
        None, "standard deviation of the noise; empty takes that of the training, else 0.25", unit="pixels in [0, 1]",
        gt=0, le=10,
    )  # fmt: skip
    n0: int = option(100, "noisy copies that guess the class", unit="copies", ge=1, le=100_000)
    n: int = option(1000, "noisy copies that count it; 10,000 prove longer radii", unit="copies", ge=10, le=1_000_000)
    alpha: float = option(0.001, "probability that a radius is wrong", gt=0, le=0.5)


class AuditConfig(Options):
    """How a model is audited."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(0.3, "radius whose robust accuracy is in question", unit="pixels in [0, 1]", gt=0, le=100_000)
    images: int = option(200, "test images, the same share of each class", unit="images", ge=10)
    steps: int = option(100, "gradient steps of the long attacks", unit="steps", ge=20, le=1000, advanced=True)
    short_steps: int = option(20, "gradient steps of the short attacks", unit="steps", ge=5, le=200, advanced=True)
    restarts: int = option(5, "random starts that are compared", ge=2, le=20, advanced=True)
    queries: int = option(
        1000, "queries of Square; five times as many where gradients are zero", unit="queries", ge=100, advanced=True
    )
    batch: int = option(250, "images judged at once", unit="images", ge=1, advanced=True)


class AttackConfig(Options):
    """Which attack is watched, and on which test images."""

    attack: WatchedAttack = option("pgd", "pgd can be watched step by step; of the others only the end is known")
    norm: Norm = option("Linf", "norm of the perturbation")
    eps: float = option(
        0.3, "largest perturbation; DeepFool and C&W ignore it", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    steps: int = option(20, "gradient steps of PGD, DeepFool, and of C&W for each of its six searches", ge=1, le=200)
    step_size: float = option(
        0.0, "step of PGD; 0 is 2.5 eps / steps", unit="pixels in [0, 1]", ge=0, le=100_000, advanced=True
    )
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
