"""Settings of trajectory matching, and how its experts are trained when none are named. Light: read by pages."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from core.compressors.architecture import architecture
from core.compressors.matching.options import MatchingOptions
from core.errors import ConfigError
from core.types import Norm, option

PAPER = {"steps": 5000, "width": 128, "batch": 256, "lr_img": 1000.0, "expert_count": 100, "expert_epochs": 50,
         "student_steps": 20, "span": 3, "latest": 25,
         "expert_batch": 256, "lr_expert": 0.01, "lr_student": 0.01}  # fmt: skip


class MTT(MatchingOptions):
    """Settings of trajectory matching."""

    PRESETS: ClassVar = {
        "fast": {"steps": 300, "width": 16, "batch": 256, "lr_img": 100.0, "expert_count": 4, "expert_epochs": 12,
                 "student_steps": 10, "span": 2, "latest": 6, "expert_batch": 64, "lr_expert": 0.05,
                 "lr_student": 0.05},
        "paper": PAPER,
    }  # fmt: skip

    experts: str = option("", "trained networks to follow: a finished run or an experts.npz; empty trains them first")
    expert_count: int = option(None, "networks that are trained first; empty takes the preset's", ge=1, le=1000,
                               filled=True)  # fmt: skip
    expert_epochs: int = option(None, "passes of each over the train split; empty takes the preset's", unit="epochs",
                                ge=2, le=10_000, filled=True)  # fmt: skip
    batch: int = option(None, "learned images in a step of the student, all when fewer; empty takes the preset's",
                        unit="images", ge=1, le=65_536, filled=True)  # fmt: skip
    student_steps: int = option(None, "steps on the learned images that are to lead as far; empty takes the preset's",
                                unit="steps", ge=1, le=1000, filled=True)  # fmt: skip
    span: int = option(None, "epochs of an expert that they are compared with; empty takes the preset's",
                       unit="epochs", ge=1, le=1000, advanced=True, filled=True)  # fmt: skip
    latest: int = option(None, "last epoch of an expert that a student begins after; empty takes the preset's",
                         unit="epochs", ge=0, le=10_000, advanced=True, filled=True)  # fmt: skip
    lr_student: float = option(None, "learning rate of students at first, then learned; empty takes the preset's",
                               gt=0, le=10, advanced=True, filled=True)  # fmt: skip
    lr_lr: float = option(1e-5, "learning rate of that; 0 keeps it", ge=0, le=1, advanced=True)
    expert_batch: int = option(None, "real images in a step of an expert; empty takes the preset's", unit="images",
                               ge=2, le=65_536, advanced=True, filled=True)  # fmt: skip
    lr_expert: float = option(None, "learning rate of the experts, by SGD without momentum; empty takes the preset's",
                              gt=0, le=10, advanced=True, filled=True)  # fmt: skip
    augment: Literal["auto", "off", "flip"] = option(
        "auto", "change learned images before each step of a student; auto mirrors colour images only, flip all"
    )

    @model_validator(mode="after")
    def _within_the_trainings(self) -> Self:
        if self.latest + self.span > self.expert_epochs:
            raise ConfigError(
                f"a student that begins after {self.latest} epochs and is compared {self.span} later needs experts of "
                f"{self.latest + self.span} epochs, got {self.expert_epochs}: lower latest or span, or train longer"
            )
        return self


class MAT(MTT):
    """Settings of matching adversarial trajectories."""

    norm: Norm = option("Linf", "norm of the attack in the training of the experts")
    eps: float = option(0.1, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0)
    attack_steps: int = option(5, "gradient steps of that attack", unit="steps", ge=1, le=1000)
    expert_average: float = option(0.99, "share of the old weights kept in the average that is followed, at each step; "
                            "adversarial weights move too fast to be followed themselves", ge=0, le=0.9999,
                            advanced=True)  # fmt: skip


def teacher(config: MTT, shape: tuple[int, int, int], training: str = "standard", **options: Any) -> dict[str, Any]:
    """The network of an expert with the settings of its training, as a RunConfig takes them."""
    name, sizes = architecture(shape, config.width, config.depth)
    common = {"epochs": config.expert_epochs, "batch": config.expert_batch, "optimizer": "sgd", "lr": config.lr_expert,
              "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}  # fmt: skip
    return {
        "network": {"name": name, "options": dict(sizes)},
        "training": {"name": training, "options": common | options},
    }


def robust_teacher(config: MAT, shape: tuple[int, int, int]) -> dict[str, Any]:
    """PGD adversarial training whose averaged weights are followed."""
    attack = {"norm": config.norm, "eps": config.eps, "attack_steps": config.attack_steps, "warmup": 0.0}
    return teacher(config, shape, "adversarial", average=config.expert_average, **attack)
