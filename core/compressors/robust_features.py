"""Robust and non-robust features as data sets: images that a network's last features cannot tell from real ones.

For each chosen train image x with label y, start from another random train image and minimise |g(x_r) - g(x)|_2 over
x_r in [0, 1], g being the penultimate features of a trained network. What the network does not use of x does not come
along. With an adversarially trained network the result is D_R, with a standard one D_NR; labels stay y.
Source: Ilyas et al. 2019, arXiv:1905.02175, section 3.1 and appendix C (there 1,000 steps of 0.1 for CIFAR-10). That
networks trained on D_R are robust under strong attacks is disputed (arXiv:2207.11727): judge them with AutoAttack.
Cost: steps forward and backward passes of the network per image.
"""

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.compressors import alteration
from core.compressors.source import SourceOptions, opened, teacher
from core.events import Work
from core.types import CondensedSet, Norm, TrainedModel, TrainSplit, option, stream

if TYPE_CHECKING:
    from torch import Tensor, nn


class Inversion(SourceOptions):
    """Settings of representation inversion."""

    steps: int = option(200, "gradient steps for each image; the paper takes 1,000", unit="steps", ge=0, le=100_000)
    step_size: float = option(0.1, "length of a step in L2", unit="pixels in [0, 1]", gt=0, le=100)


class RobustConfig(Inversion):
    """Settings of D_R; norm and eps are those of the source's training."""

    norm: Norm = option("Linf", "norm of the attack that the source is trained against, when it is trained first")
    eps: float = option(
        0.3, "its largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0
    )


class NonRobustConfig(Inversion):
    """Settings of D_NR."""


def robust_teacher(config: RobustConfig, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Adversarial training with warm start, at the eps of the settings."""
    return teacher(config, shape, "warm-start", norm=config.norm, eps=config.eps)


def robust(
    train: TrainSplit,
    config: RobustConfig,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    source: TrainedModel | None = None,
) -> Work[CondensedSet]:
    """Make D_R from an adversarially trained network; see `condense`."""
    return (yield from condense(train, config, "robust-features", n_classes, seed, device, checkpoint, source))


def non_robust(
    train: TrainSplit,
    config: NonRobustConfig,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    source: TrainedModel | None = None,
) -> Work[CondensedSet]:
    """Make D_NR from a network trained without attacks; see `condense`."""
    return (yield from condense(train, config, "non-robust-features", n_classes, seed, device, checkpoint, source))


def condense(
    train: TrainSplit,
    config: Inversion,
    method: str,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None,
    source: TrainedModel | None,
) -> Work[CondensedSet]:
    """Invert the features of `ipc` images of each class.

    source   the trained network whose features are matched
    yields   see core.compressors.alteration.run; feature_distance is the mean of the batch
    returns  CondensedSet without indices; info has the mean distance at the start and at the end
    raises   ConfigError without a network, or with one of other images
    """
    chosen = alteration.choose(train, config.ipc, n_classes, seed, method)
    network = opened(source, train, n_classes, method, device)
    others = starts(chosen.rows, len(train), seed)

    def alter(number: int, places: np.ndarray) -> Generator:
        return _batch(network, train, others[places], chosen.rows[places], config, device)

    done = yield from alteration.run(
        alter, train.pixels(others), chosen.y, chosen, batch=config.batch, steps=config.steps, value="feature_distance",
        measures=("feature_distance_start", "feature_distance"), checkpoint=checkpoint,
    )  # fmt: skip
    info = {name: float(numbers.mean()) for name, numbers in done.measures.items()}
    return CondensedSet(x=done.images, y=chosen.y, n_classes=n_classes, method=method, info=info)


def starts(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """For each row another one of `count`, uniformly; (m,) int64."""
    rng = np.random.default_rng(stream(seed, "inversion", "starts"))
    return (rows + rng.integers(1, max(2, count), len(rows))) % count


def _batch(
    network: "nn.Module", train: TrainSplit, begin: np.ndarray, aim: np.ndarray, config: Inversion, device: str
) -> Generator:
    """Invert one batch of train rows; pauses after every gradient."""
    import torch

    with torch.no_grad():
        wanted = network.features(torch.tensor(train.pixels(aim), device=device))
    x = torch.tensor(train.pixels(begin), device=device)
    first = last = distances(network, x, wanted)
    work = invert(network.features, x, wanted, steps=config.steps, step_size=config.step_size)
    while True:
        try:
            x, last = next(work)
        except StopIteration as stop:
            x = stop.value
            break
        yield lambda x=x, last=last: alteration.Moment(images=x.cpu().numpy(), value=float(last.mean()))
    measures = {"feature_distance_start": first, "feature_distance": distances(network, x, wanted)}
    return alteration.Altered(images=x.cpu().numpy(), measures={n: d.cpu().numpy() for n, d in measures.items()})


def invert(
    features: "Callable[[Tensor], Tensor]", x: "Tensor", wanted: "Tensor", *, steps: int, step_size: float
) -> "Generator[tuple[Tensor, Tensor], None, Tensor]":
    """Normalised gradient descent on |g(x) - wanted|_2 within [0, 1].

    features   g, differentiable, (n, c, h, w) -> (n, d)
    wanted     (n, d) features to reach
    step_size  length of each image's step in L2; it falls linearly to nothing, so that the end does not swing
    yields     images (n, c, h, w) after a step and their distances (n,) before it
    """
    import torch

    from core.attacks.projections import steepest

    for step in range(steps):
        at = x.detach().requires_grad_()
        with torch.enable_grad():
            squared = (features(at) - wanted).square().sum(1)
            (grad,) = torch.autograd.grad(squared.sum(), at)  # the root has the same direction, and no pole
        x = (at.detach() - step_size * (1 - step / steps) * steepest(grad, x, "L2")).clamp(0, 1)
        yield x, squared.detach().sqrt()
    return x


def distances(network: "nn.Module", x: "Tensor", wanted: "Tensor") -> "Tensor":
    """(n,) distances between the features of x and the wanted ones."""
    import torch

    with torch.no_grad():
        return (network.features(x) - wanted).norm(dim=1)
