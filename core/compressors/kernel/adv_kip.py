"""adv-KIP: learn the images from which kernel regression predicts *attacked* real ones best.

Source: Tsilivis, Su & Kempe, "Can we achieve robustness from data alone?", arXiv:2207.11727, algorithm 1. Each step
attacks a batch of real images by PGD on the squared error of the regressor of the moment, then moves the support
images by Adam to lower that error, the attacked images held fixed. The paper's own caution belongs beside every result:
networks trained on such images can look robust to FGSM and PGD and fall to stronger attacks.
Cost per step: attack_steps + 1 kernels with gradient between batch and support.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.kernel.loop import Threat, run
from core.compressors.kernel.options import AdvKIP as Config
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
    threat = Threat(
        norm=config.norm, eps=config.eps, steps=config.attack_steps, warmup=config.warmup, watch_eps=config.eps
    )
    return (
        yield from run(
            train, config, threat, method="adv-kip", n_classes=n_classes, seed=seed, device=device,
            checkpoint=checkpoint, start=start,
        )
    )  # fmt: skip
