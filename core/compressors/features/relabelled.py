"""Data sets that look mislabelled: images moved a little towards a class, and labelled as that class.

x_adv is found by targeted PGD in L2 from a real train image x on a network trained without attacks, and labelled with
the target t: the next class, t = y + 1 mod C (D_det), or one drawn without regard to y (D_rand). To a person nearly
every label is wrong; what a network learns from them is features that people do not see.
Source: Ilyas et al. 2019, arXiv:1905.02175, section 3.2 and appendix C (there eps 0.5, 100 steps of 0.1 for CIFAR-10).
The targets of D_rand are the labels of the chosen images in another order, so every class keeps its number of images.
A perturbation too short to reach the target leaves labels that are merely wrong, and a network learns them: on MNIST at
1.5 the source takes 15 % of the images for their targets, and a network trained on D_det says the next class of 84 % of
held-out train images; at 4.5 these are 97 % and 23 %, and it is right for 52 %. `source_fooled` in the result tells.
Cost: steps forward and backward passes of the network per image.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from core.attacks import Step, pgd_steps
from core.compressors.features import alteration
from core.compressors.features.options import Relabelled as Config
from core.compressors.features.source import opened
from core.events import Work, through
from core.types import CondensedSet, Told, TrainedModel, TrainSplit, stream

COLOUR = 0.5  # length for three channels, the paper's
GREY = 0.16  # length per root of the number of pixels for others: 4.5 for 28x28, 1.3 for 8x8


def det(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    source: TrainedModel | None = None,
) -> Work[CondensedSet]:
    """Make D_det: every image becomes one of the next class; see `condense`."""
    return (yield from condense(train, config, "relabelled-det", n_classes, seed, device, checkpoint, source))


def rand(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    source: TrainedModel | None = None,
) -> Work[CondensedSet]:
    """Make D_rand: every image becomes one of a random class; see `condense`."""
    return (yield from condense(train, config, "relabelled-rand", n_classes, seed, device, checkpoint, source))


def condense(
    train: TrainSplit,
    config: Config,
    method: str,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None,
    source: TrainedModel | None,
) -> Work[CondensedSet]:
    """Move `ipc` images of each class towards another class.

    source   the trained network that is attacked
    yields   see core.compressors.features.alteration.run; target_loss is the mean cross-entropy with the targets
    returns  CondensedSet without indices, labelled with the targets; info has the share that the source takes for
             the target, and the share that kept its own label
    raises   ConfigError without a network, or with one of other images
    """
    chosen = alteration.choose(train, config.ipc, n_classes, seed, method)
    network = opened(source, train, n_classes, method, device)
    targets = goals(chosen.y, n_classes, seed, random=method == "relabelled-rand")
    length = config.length or usual_length(train.shape)

    def alter(number: int, places: np.ndarray) -> alteration.OneBatch:
        return _batch(network, train, chosen.rows[places], targets[places], length, config.steps, device)

    done = yield from alteration.run(
        alter, train.pixels(chosen.rows), targets, chosen, batch=config.batch, steps=config.steps, value="target_loss",
        measures=("source_fooled", "mean_perturbation"), checkpoint=checkpoint,
    )  # fmt: skip
    info = {name: float(numbers.mean()) for name, numbers in done.measures.items()}
    info |= {"largest_perturbation": length, "own_label": float((targets == chosen.y).mean())}
    return CondensedSet(x=done.images, y=targets, n_classes=n_classes, method=method, info=Told.read(info))


def usual_length(shape: tuple[int, int, int]) -> float:
    """The L2 length that is taken when none is set."""
    return COLOUR if shape[0] == 3 else GREY * (shape[1] * shape[2]) ** 0.5


def goals(y: np.ndarray, n_classes: int, seed: int, *, random: bool) -> np.ndarray:
    """The class each image is moved to, (m,) int64."""
    if random:
        return np.random.default_rng(stream(seed, "relabelled", "goals")).permutation(y)
    return (y + 1) % n_classes


def _moment(step: Step) -> alteration.Moment:
    return alteration.Moment(images=step.images.cpu().numpy(), value=-float(step.loss.mean()))


def _batch(
    network: nn.Module, train: TrainSplit, rows: np.ndarray, targets: np.ndarray, length: float, steps: int,
    device: str,
) -> alteration.OneBatch:  # fmt: skip
    """Move one batch; pauses after every gradient."""
    x, y, t = (torch.tensor(array, device=device) for array in (train.pixels(rows), train.y[rows], targets))
    work = pgd_steps(network, x, y, norm="L2", eps=length, steps=steps, random_start=False, targets=t, keep="last")
    moved = yield from through(work, lambda step: lambda: _moment(step))
    with torch.no_grad():
        fooled = (network(moved).argmax(1) == t).float()
    measures = {"source_fooled": fooled, "mean_perturbation": (moved - x).flatten(1).norm(dim=1)}
    return alteration.Altered(images=moved.cpu().numpy(), measures={n: v.cpu().numpy() for n, v in measures.items()})
