"""Settings of k-means and of learned prototypes. Light: read by pages."""

from typing import Literal

from core.types import Norm, Options, option


class KMeans(Options):
    """Settings of k-means."""

    ipc: int = option(10, "centroids per class; fewer where a class has fewer distinct images", unit="images", ge=1)
    restarts: int = option(3, "fresh starts; the one with the smallest inertia is kept", ge=1, le=1000)
    steps: int = option(100, "rounds of Lloyd's algorithm at most, per start", unit="rounds", ge=1, advanced=True)
    tolerance: float = option(
        1e-4, "stop when the squared moves of the centroids sum to less than this share of the variance of a pixel; "
        "0 goes on until no image changes its centroid", ge=0, le=1, advanced=True,
    )  # fmt: skip


class Prototypes(Options):
    """Settings of learned prototypes."""

    ipc: int = option(10, "learned images per class; a class with fewer distinct images has as many as differ",
                      unit="images", ge=1, le=5000)  # fmt: skip
    norm: Norm = option("Linf", "norm of the ball that is to be proven")
    eps: float = option(0.1, "its radius; 8/255 is usual for colour images", unit="pixels in [0, 1]", gt=0)
    steps: int = option(1500, "gradient steps on the images", unit="steps", ge=0, le=1_000_000)
    batch: int = option(256, "real images per step", unit="images", ge=1, le=65_536)
    lr: float = option(0.02, "learning rate of Adam", unit="pixels in [0, 1]", gt=0, le=10)
    init: Literal["k-means", "real"] = option("k-means", "first images: centroids, or images drawn from each class")
    start: str = option("", "first images: those of a finished run or a condensed .npz, instead of init; empty is none")
    margin: float = option(
        0.5, "push proven radii beyond eps by this share of it, so that unseen images are proven too", ge=0, le=10,
        advanced=True,
    )  # fmt: skip
    cap: float = option(3.0, "loss at which an image is given up, in units of eps", gt=0, le=1000, advanced=True)
    held_out: int = option(500, "train images kept apart for the live accuracies, at most a fifth of each class",
                           unit="images", ge=0, advanced=True)  # fmt: skip
