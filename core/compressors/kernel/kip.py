"""KIP: learn the images from which kernel regression predicts the real ones best.

Source: Nguyen, Chen & Lee, "Dataset Meta-Learning from Kernel Ridge-Regression", ICLR 2021, arXiv:2011.00050.
Minimises the squared error of K(X, X_S) (K_SS + ridge)^-1 y_S on batches of real images by Adam on X_S. It is
adv-KIP without an attack and shares its loop. Cost per step: one kernel and its gradient between batch and support.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.kernel.loop import Threat, run
from core.compressors.kernel.options import KIP as Config
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
    start: CondensedSet | None = None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class; see core.compressors.kernel.loop.run for what is yielded and raised.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    start       a stored set to begin from, instead of `init`
    """
    threat = Threat(norm=config.watch_norm, eps=0.0, steps=0, warmup=0.0, watch_eps=config.watch_eps)
    return (
        yield from run(
            train, config, threat, method="kip", n_classes=n_classes, seed=seed, device=device, checkpoint=checkpoint,
            start=start,
        )
    )  # fmt: skip
