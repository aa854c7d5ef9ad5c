"""Siamese augmentation: gradient matching under random changes that real and learned images of a class share.

Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation", ICML 2021, arXiv:2102.08259. The
gradient passes through the change into the learned images, which so hold what many changed images would teach. A
network is to be trained on them with the same changes. Cost: that of DC and two resamplings per step and class.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from core.compressors.dc import GradientOptions
from core.events import Work
from core.types import CondensedSet, TrainSplit, option


class Config(GradientOptions):
    """Settings of DSA."""

    augment: Literal["auto", "off", "flip"] = option(
        "auto", "change real and learned images alike; auto mirrors colour images only, flip all, points never change"
    )


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
    from core.compressors.matching import kinds

    chosen = kinds(config.augment, train.shape)
    return (
        yield from run(
            train, config, chosen, method="dsa", n_classes=n_classes, seed=seed, device=device, checkpoint=checkpoint
        )
    )
