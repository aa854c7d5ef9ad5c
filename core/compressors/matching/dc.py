"""Gradient matching: learn images that pull the weights of a network the way real images of their class do.

Source: Zhao, Mopuri & Bilen, "Dataset Condensation with Gradient Matching", ICLR 2021, arXiv:2006.05929 (DC). The
networks are trained along on the learned images, so gradients are compared at weights such as a training passes.
Cost: see core.compressors.matching.gradient, which DSA shares; about five times that of DM per step.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.matching.gradient import run
from core.compressors.matching.options import DC as Config
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
    return (
        yield from run(
            train, config, (), method="dc", n_classes=n_classes, seed=seed, device=device, checkpoint=checkpoint
        )
    )
