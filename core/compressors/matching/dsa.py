"""Siamese augmentation: gradient matching under random changes that real and learned images of a class share.

Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation", ICML 2021, arXiv:2102.08259. The
gradient passes through the change into the learned images, which so hold what many changed images would teach. A
network is to be trained on them with the same changes. Cost: that of DC and two resamplings per step and class.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.matching.gradient import run
from core.compressors.matching.learning import kinds
from core.compressors.matching.options import DSA as Config
from core.events import Work
from core.types import CondensedSet, TrainSplit


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class; see core.compressors.matching.gradient.run for what is yielded and raised.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    """
    chosen = kinds(config.augment, train.shape)
    return (
        yield from run(
            train, config, chosen, method="dsa", n_classes=n_classes, seed=seed, device=device, checkpoint=checkpoint
        )
    )
