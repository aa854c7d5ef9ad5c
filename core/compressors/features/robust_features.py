"""Robust and non-robust features as data sets: images that a network's last features cannot tell from real ones.

For each chosen train image x with label y, start from another random train image and minimise |g(x_r) - g(x)|_2 over
x_r in [0, 1], g being the penultimate features of a trained network. What the network does not use of x does not come
along. With an adversarially trained network the result is D_R, with a standard one D_NR; labels stay y.
Source: Ilyas et al. 2019, arXiv:1905.02175, section 3.1 and appendix C (there 1,000 steps of 0.1 for CIFAR-10). That
networks trained on D_R are robust under strong attacks is disputed (arXiv:2207.11727): judge them with AutoAttack.
Cost: steps forward and backward passes of the network per image.
"""

from collections.abc import Callable, Generator, Mapping

import numpy as np
import torch
from torch import Tensor

from core.attacks.projections import steepest
from core.compressors.features import alteration
from core.compressors.features.options import Inversion, NonRobustFeatures, RobustFeatures
from core.compressors.features.source import opened
from core.events import Work, through
from core.networks.classifier import Classifier
from core.types import CondensedSet, Told, TrainedModel, TrainSplit, stream


def robust(
    train: TrainSplit,
    config: RobustFeatures,
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
    config: NonRobustFeatures,
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
    yields   see core.compressors.features.alteration.run; feature_distance is the mean of the batch
    returns  CondensedSet without indices; info has the mean distance at the start and at the end
    raises   ConfigError without a network, or with one of other images
    """
    chosen = alteration.choose(train, config.ipc, n_classes, seed, method)
    network = opened(source, train, n_classes, method, device)
    others = starts(chosen.rows, len(train), seed)

    def alter(number: int, places: np.ndarray) -> alteration.OneBatch:
        return _batch(network, train, others[places], chosen.rows[places], config, device)

    done = yield from alteration.run(
        alter, train.pixels(others), chosen.y, chosen, batch=config.batch, steps=config.steps, value="feature_distance",
        measures=("feature_distance_start", "feature_distance"), checkpoint=checkpoint,
    )  # fmt: skip
    info = {name: float(numbers.mean()) for name, numbers in done.measures.items()}
    return CondensedSet(x=done.images, y=chosen.y, n_classes=n_classes, method=method, info=Told.read(info))


def starts(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """For each row another one of `count`, uniformly; (m,) int64."""
    rng = np.random.default_rng(stream(seed, "inversion", "starts"))
    return (rows + rng.integers(1, max(2, count), len(rows))) % count


def _batch(
    network: Classifier, train: TrainSplit, begin: np.ndarray, aim: np.ndarray, config: Inversion, device: str
) -> alteration.OneBatch:
    """Invert one batch of train rows; pauses after every gradient."""
    with torch.no_grad():
        wanted = network.features(torch.tensor(train.pixels(aim), device=device))
    x = torch.tensor(train.pixels(begin), device=device)
    first = distances(network, x, wanted)
    work = invert(network.features, x, wanted, steps=config.steps, step_size=config.step_size)
    x = yield from through(work, lambda moment: lambda: _moment(*moment))
    measures = {"feature_distance_start": first, "feature_distance": distances(network, x, wanted)}
    return alteration.Altered(images=x.cpu().numpy(), measures={n: d.cpu().numpy() for n, d in measures.items()})


def _moment(x: Tensor, distance: Tensor) -> alteration.Moment:
    return alteration.Moment(images=x.cpu().numpy(), value=float(distance.mean()))


def invert(
    features: Callable[[Tensor], Tensor], x: Tensor, wanted: Tensor, *, steps: int, step_size: float
) -> Generator[tuple[Tensor, Tensor], None, Tensor]:
    """Normalised gradient descent on |g(x) - wanted|_2 within [0, 1].

    features   g, differentiable, (n, c, h, w) -> (n, d)
    wanted     (n, d) features to reach
    step_size  length of each image's step in L2; it falls linearly to nothing, so that the end does not swing
    yields     images (n, c, h, w) after a step and their distances (n,) before it
    """
    for step in range(steps):
        at = x.detach().requires_grad_()
        with torch.enable_grad():
            squared = (features(at) - wanted).square().sum(1)
            (grad,) = torch.autograd.grad(squared.sum(), at)  # the root has the same direction, and no pole
        x = (at.detach() - step_size * (1 - step / steps) * steepest(grad, x, "L2")).clamp(0, 1)
        yield x, squared.detach().sqrt()
    return x


def distances(network: Classifier, x: Tensor, wanted: Tensor) -> Tensor:
    """(n,) distances between the features of x and the wanted ones."""
    with torch.no_grad():
        return (network.features(x) - wanted).norm(dim=1)
