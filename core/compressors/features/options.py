"""Settings of the data sets of Ilyas et al. 2019, and which network is trained when none is named. Light."""

from typing import Any

from core.networks import NETWORKS
from core.types import Norm, Options, option

BATCH, LR = 128, 0.002  # of the training of the source, by Adam with a cosine


class SourceOptions(Options):
    """What the methods of Ilyas et al. 2019 share: the network they learn from, and how many images they change."""

    ipc: int = option(100, "images per class; a class with fewer gives all it has", unit="images", ge=1)
    source: str = option("", "network to learn from: a finished run or a .safetensors file; empty trains one first")
    source_epochs: int = option(
        20,
        "passes over the train split, when the source is trained first",
        unit="epochs",
        ge=1,
        le=10_000,
        advanced=True,
    )
    batch: int = option(128, "images changed at a time", unit="images", ge=1, le=65_536, advanced=True)


class Inversion(SourceOptions):
    """Settings of representation inversion."""

    steps: int = option(200, "gradient steps for each image; the paper takes 1,000", unit="steps", ge=0, le=100_000)
    step_size: float = option(0.1, "length of a step in L2", unit="pixels in [0, 1]", gt=0, le=100)


class RobustFeatures(Inversion):
    """Settings of D_R; norm and eps are those of the source's training."""

    norm: Norm = option("Linf", "norm of the attack that the source is trained against, when it is trained first")
    eps: float = option(
        0.3, "its largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0
    )


class NonRobustFeatures(Inversion):
    """Settings of D_NR."""


class Relabelled(SourceOptions):
    """Settings of D_det and D_rand."""

    length: float = option(
        0.0, "largest L2 length of the perturbation; 0 is 0.5 for colour images, else 0.16 per root of the pixels",
        unit="pixels in [0, 1]", ge=0, le=1000,
    )  # fmt: skip
    steps: int = option(100, "gradient steps of PGD, each 2.5 length / steps", unit="steps", ge=0, le=100_000)


def teacher(
    config: SourceOptions, shape: tuple[int, int, int], training: str = "standard", **options: Any
) -> dict[str, Any]:
    """A small CNN (an MLP for points) with the settings of its training, as a RunConfig takes them."""
    fits = not NETWORKS["small-cnn"].Config().refuse(shape)
    common = {"epochs": config.source_epochs, "batch": BATCH, "lr": LR}
    return {
        "network": {"name": "small-cnn" if fits else "mlp", "options": {}},
        "training": {"name": training, "options": common | options},
    }


def robust_teacher(config: RobustFeatures, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Adversarial training with warm start, at the eps of the settings."""
    return teacher(config, shape, "warm-start", norm=config.norm, eps=config.eps)
