"""adv-KIP: learn the images from which kernel regression predicts *attacked* real ones best.

Source: Tsilivis, Su & Kempe, "Can we achieve robustness from data alone?", arXiv:2207.11727, algorithm 1. Each step
attacks a batch of real images by PGD on the squared error of the regressor of the moment, then moves the support
images by Adam to lower that error, the attacked images held fixed. The paper's own caution belongs beside every result:
networks trained on such images can look robust to FGSM and PGD and fall to stronger attacks.
Cost per step: attack_steps + 1 kernels with gradient between batch and support.
"""

from collections.abc import Mapping

import numpy as np

from core.compressors.kip import SupportOptions
from core.events import Work
from core.types import CondensedSet, Norm, TrainSplit, option


class Config(SupportOptions):
    """Settings of adv-KIP; eps 0 or no attack steps is KIP."""

    norm: Norm = option("Linf", "norm of the attack")
    eps: float = option(0.1, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0)
    attack_steps: int = option(10, "gradient steps of the inner attack, each 2.5 eps / steps", unit="steps", ge=0,
                               le=1000)  # fmt: skip
    warmup: float = option(0.5, "share of the steps in which eps grows from 0 to its full size", ge=0, le=1)


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
    """Learn `ipc` images per class; see core.compressors.kip_loop.run for what is yielded and raised.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    start       a stored set to begin from, instead of `init`
    """
    from core.compressors.kip_loop import Threat, run

    threat = Threat(
        norm=config.norm, eps=config.eps, steps=config.attack_steps, warmup=config.warmup, watch_eps=config.eps
    )
    return (
        yield from run(
            train, config, threat, method="adv-kip", n_classes=n_classes, seed=seed, device=device,
            checkpoint=checkpoint, start=start,
        )
    )  # fmt: skip
