"""Gradient matching: learn images that pull the weights of a network the way real images of their class do.

Source: Zhao, Mopuri & Bilen, "Dataset Condensation with Gradient Matching", ICLR 2021, arXiv:2006.05929 (DC). The
networks are trained along on the learned images, so gradients are compared at weights such as a training passes.
Cost: see core.compressors.gradient_matching, which DSA shares; about five times that of DM per step.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from core.compressors.matching_options import MatchingOptions
from core.events import Work
from core.types import CondensedSet, TrainSplit, option

ROUNDS = 1000  # networks drawn, as published


class GradientOptions(MatchingOptions):
    """What DC and DSA share."""

    PRESETS: ClassVar = {
        "fast": {"steps": 200, "width": 32, "batch": 64, "lr_img": 0.1, "outer": 10, "inner": 5},
        "paper": {"width": 128, "batch": 256, "lr_img": 0.1},
    }

    outer: int | None = option(None, "steps on the images before a new network is drawn; empty takes the preset's",
                               unit="steps", ge=1, le=10_000, advanced=True)  # fmt: skip
    inner: int | None = option(None, "passes over the learned images that train the network between two of these; "
                               "empty takes the preset's", unit="passes", ge=0, le=10_000, advanced=True)  # fmt: skip
    lr_net: float = option(0.01, "learning rate of the networks", gt=0, le=10, advanced=True)

    @classmethod
    def filling(cls, preset: object, ipc: object) -> Mapping[str, object]:
        """As published for 1, 10, 20 and 50 images per class; in between by the same rule."""
        values = dict(super().filling(preset, ipc))
        if preset == "paper" and isinstance(ipc, int) and 1 <= ipc <= 5000:
            outer = min(ipc, 50)
            values |= {"outer": outer, "inner": 1 if ipc == 1 else 500 // outer, "steps": ROUNDS * outer}
        return values


class Config(GradientOptions):
    """Settings of gradient matching."""


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class; see core.compressors.gradient_matching.run for what is yielded and raised.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    """
    from core.compressors.gradient_matching import run

    return (
        yield from run(
            train, config, (), method="dc", n_classes=n_classes, seed=seed, device=device, checkpoint=checkpoint
        )
    )
