"""Distribution matching: learn images whose mean features are those of the real images, in any random network.

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching", WACV 2023, arXiv:2110.04181, eq. 5: the sum
over classes of |mean of features(real) - mean of features(learned)|^2, each step in a network drawn afresh, real and
learned images changed alike first (DSA). No network is trained. The distance grows with the width of the network, so
the step is divided by it: with the published settings it is the published one.
Cost: per step one forward pass of `batch` real images a class, and one forward and backward pass of the learned ones.
"""

from collections.abc import Generator, Mapping

import numpy as np
import torch
from torch import Tensor

from core.compressors import backbone
from core.compressors.matching.learning import Learned, Real, Step, changed, kinds, learn, result
from core.compressors.matching.options import DM as Config
from core.events import Work
from core.networks.augment import Change
from core.networks.classifier import Classifier
from core.types import CondensedSet, TrainSplit

WIDTH = 128  # of the published network, which lr_img is for


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class; see core.compressors.matching.learning.learn for what is yielded.

    checkpoint  the `state` of an earlier Progress of the same call: continues to the same bytes
    raises      ConfigError when there is nothing to match; NumericsError when the loss is not finite
    """
    real = Real.of(train, "dm", seed, device)
    learned = Learned.begin(real, config)
    if checkpoint is not None:
        learned.unpack(checkpoint)
    which = kinds(config.augment, train.shape)

    def advance() -> Step:
        return _step(real, learned, config, which, n_classes)

    info = yield from learn(learned, config.steps, advance, learned.pack, f"changes: {', '.join(which) or 'none'}")
    return result(learned, n_classes, "dm", info)


def _step(real: Real, learned: Learned, config: Config, which: tuple[str, ...], n_classes: int) -> Step:
    """One step on all classes, a group of them at a time; returns the loss per class."""
    shape, labels = real.train.shape, list(real.rows)
    network = backbone.drawn(
        shape, n_classes, real.statistics, width=config.width, depth=config.depth,
        seed=real.numbers("network", learned.step), device=real.device,
    ).requires_grad_(False)  # fmt: skip
    changes, size = real.changes(which, learned.step), backbone.at_once(shape, config.width, real.device)
    together = max(1, size // (config.batch + 3 * config.ipc))
    gradient, total = torch.zeros_like(learned.x), 0.0
    for first in range(0, len(labels), together):
        group = labels[first : first + together]
        batches = [changed(real.batch(label, config.batch, learned.step), changes[label]) for label in group]
        wanted = yield from _wanted(network, batches, size)
        places = [learned.places(label) for label in group]
        own = [learned.x[place] for place in places]
        slopes, loss = yield from _pull(network, own, [changes[label] for label in group], wanted, size // 3 + 1)
        for place, slope in zip(places, slopes, strict=True):
            gradient[place] = slope
        total += loss
        yield
    learned.move(gradient, config.lr_img * WIDTH / config.width, config.momentum)
    return total / len(labels)


def _wanted(network: Classifier, batches: list[Tensor], size: int) -> Generator[None, None, Tensor]:
    """(k, d) mean features of k batches of real images; pauses after every `size` images."""
    found = []
    for part in torch.cat(batches).split(size):
        with torch.no_grad():
            found.append(network.features(part))
        yield
    return torch.stack([of_class.mean(0) for of_class in torch.cat(found).split([len(batch) for batch in batches])])


def _pull(
    network: Classifier, own: list[Tensor], changes: list[Change | None], wanted: Tensor, size: int
) -> Generator[None, None, tuple[list[Tensor], float]]:
    """Gradients of the distance by class, and the distance; a class of more than `size` images goes in parts."""
    if len(own) == 1 and len(own[0]) > size:
        slope, loss = yield from in_parts(network, own[0], changes[0], wanted[0], size)
        return [slope], loss
    leaves = [x.detach().requires_grad_() for x in own]
    apart = distance(network, [changed(x, change) for x, change in zip(leaves, changes, strict=True)], wanted)
    return list(torch.autograd.grad(apart, leaves)), float(apart.detach())


def in_parts(
    network: Classifier, x: Tensor, change: Change | None, wanted: Tensor, size: int
) -> Generator[None, None, tuple[Tensor, float]]:
    """The same for one class, `size` images at a time: first the mean, then what each part adds to the gradient."""
    mean, slopes = torch.zeros_like(wanted), list[Tensor]()
    for part in x.split(size):
        with torch.no_grad():
            mean += network.features(changed(part, change)).sum(0) / len(x)
        yield
    away = mean - wanted
    for part in x.split(size):
        leaf = part.detach().requires_grad_()
        share = 2 / len(x) * (network.features(changed(leaf, change)) @ away).sum()
        slopes.append(torch.autograd.grad(share, leaf)[0])
        yield
    return torch.cat(slopes), float(away.square().sum())


def distance(network: Classifier, batches: list[Tensor], wanted: Tensor) -> Tensor:
    """Sum over classes of the squared distance between mean features.

    network  with `features`, (n, c, h, w) -> (n, d)
    batches  k tensors (m_i, c, h, w), the learned images of k classes
    wanted   (k, d) mean features of their real images
    """
    features = network.features(torch.cat(batches)).split([len(batch) for batch in batches])
    return (torch.stack([of_class.mean(0) for of_class in features]) - wanted).square().sum()
