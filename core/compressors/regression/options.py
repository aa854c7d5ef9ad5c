"""Settings of FRePo and of its adversarial form. Light: read by pages."""

from typing import Literal

from core.types import Norm, Options, option


class FRePo(Options):
    """Settings of FRePo."""

    ipc: int = option(10, "learned images per class; a class with fewer gives all it has", unit="images", ge=1, le=500)
    steps: int = option(1000, "gradient steps on the images", unit="steps", ge=0, le=1_000_000)
    batch: int = option(256, "real images per step; published 1,024", unit="images", ge=1, le=65_536)
    lr: float = option(0.01, "learning rate of Adam", unit="pixels in [0, 1]", gt=0, le=10)
    learn_labels: bool = option(False, "learn the labels as well; the finite network then needs loss mse")
    init: Literal["real", "noise"] = option("real", "first images: drawn from each class, or uniform noise")
    family: Literal["small-cnn", "convnet"] = option(
        "small-cnn", "kind of the networks; the published one is convnet with width 128, ten times as slow"
    )
    width: int = option(16, "channels of the networks", ge=1, le=1024)
    depth: int = option(3, "blocks of a convnet", ge=1, le=5, advanced=True)
    pool: int = option(10, "networks kept, one of which is used at a step", ge=1, le=1000, advanced=True)
    life: int = option(100, "training steps of a network until a fresh one takes its place", unit="steps", ge=1,
                       le=100_000, advanced=True)  # fmt: skip
    lr_net: float = option(0.0003, "learning rate of the networks", gt=0, le=10, advanced=True)
    ridge: float = option(1e-6, "regularisation, relative to the mean squared length of the features", ge=0, le=1e3,
                          advanced=True)  # fmt: skip
    held_out: int = option(500, "train images kept apart for the live accuracies, at most a fifth of each class",
                           unit="images", ge=0, advanced=True)  # fmt: skip


class AdvFRePo(FRePo):
    """Settings of adversarial FRePo; eps 0 or no attack steps is FRePo."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(0.1, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0)
    attack_steps: int = option(5, "gradient steps of the inner attack, each 2.5 eps / steps", unit="steps", ge=0,
                               le=1000)  # fmt: skip
    warmup: float = option(0.5, "share of the steps in which eps grows from 0 to its full size", ge=0, le=1)
