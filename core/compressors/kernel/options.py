"""Settings of KIP and adv-KIP. Light: read by pages."""

from typing import Literal

from core.types import Norm, Options, option


class SupportOptions(Options):
    """What KIP and adv-KIP share. A class with fewer images than ipc gives all it has."""

    ipc: int = option(10, "learned images per class", unit="images", ge=1, le=5000)
    kernel: Literal["fc", "conv"] = option("fc", "fully connected, or convolution with 3x3 windows, which is slower")
    depth: int = option(3, "hidden layers of the kernel", ge=1, le=12)
    steps: int = option(1500, "gradient steps on the images", unit="steps", ge=0, le=1_000_000)
    batch: int = option(500, "real images per step", unit="images", ge=1, le=65_536)
    lr: float = option(0.02, "learning rate of Adam", unit="pixels in [0, 1]", gt=0, le=10)
    learn_labels: bool = option(False, "learn the labels as well; the finite network then needs loss mse")
    init: Literal["real", "noise"] = option("real", "first images: drawn from each class, or uniform noise")
    start: str = option("", "first images: those of a finished run or a condensed .npz, instead of init; empty is none")
    readout: Literal["flat", "gap"] = option(
        "flat", "of conv: a linear layer over all positions, or global average pooling, very slow", advanced=True
    )
    bias_std: float = option(0.0, "standard deviation of the kernel's biases", ge=0, le=10, advanced=True)
    ridge: float = option(1e-6, "regularisation, relative to the mean diagonal of the kernel", ge=0, le=1e3,
                          advanced=True)  # fmt: skip
    schedule: Literal["cosine", "constant"] = option("cosine", "course of the learning rate", advanced=True)
    box: bool = option(True, "keep the images within [0, 1]; without, they can leave the pixel range", advanced=True)
    held_out: int = option(500, "train images kept apart for the live accuracies, at most a fifth of each class",
                           unit="images", ge=0, advanced=True)  # fmt: skip
    hours: float = option(12.0, "longest estimated time that is not refused", unit="hours", gt=0, advanced=True)


class KIP(SupportOptions):
    """Settings of KIP."""

    steps: int = option(3000, "gradient steps on the images", unit="steps", ge=0, le=1_000_000)
    watch_norm: Norm = option("Linf", "norm of the attack on the live accuracy", advanced=True)
    watch_eps: float = option(0.1, "eps of the attack on the live accuracy; without influence on the images",
                              unit="pixels in [0, 1]", ge=0, advanced=True)  # fmt: skip


class AdvKIP(SupportOptions):
    """Settings of adv-KIP; eps 0 or no attack steps is KIP."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(
        0.1, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0, le=100_000
    )
    attack_steps: int = option(10, "gradient steps of the inner attack, each 2.5 eps / steps", unit="steps", ge=0,
                               le=1000)  # fmt: skip
    warmup: float = option(0.5, "share of the steps in which eps grows from 0 to its full size", ge=0, le=1)
