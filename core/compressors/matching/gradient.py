"""The loop of DC and DSA: move the learned images so that they pull a network's weights the way real images do.

Sources: Zhao et al. 2021, arXiv:2006.05929, algorithm 1; arXiv:2102.08259 for equal changes on both sides. A round
draws a network, then takes `outer` steps on the images; between two of them the network is trained by plain SGD on the
learned images for `inner` passes. As in the authors' code the classes' distances are summed for one step, and biases
and norms, whose gradients have no direction to compare by output, are left out. The distance grows with the width of
the network, so the step is divided by it: with the published settings it is the published one.
Cost per step and class: forward and backward of the real batch, and of the learned images twice.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.compressors import backbone
from core.compressors.matching import learning
from core.compressors.matching.learning import Learned, Real, Step, changed
from core.compressors.matching.options import GradientOptions
from core.events import Work
from core.networks.augment import Change, augment, draw
from core.networks.classifier import Classifier
from core.types import CondensedSet, TrainSplit

WIDTH = 128  # of the published network, which lr_img is for
TOGETHER = 256  # learned images in a training step of the network


def run(
    train: TrainSplit,
    config: GradientOptions,
    kinds: tuple[str, ...],
    *,
    method: str,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None,
) -> Work[CondensedSet]:
    """Learn `ipc` images per class under the changes `kinds`; see `learning.learn` for what is yielded.

    raises  ConfigError when there is nothing to match; NumericsError when the loss is not finite
    """
    real = Real.of(train, method, seed, device)
    loop = Loop(real, Learned.begin(real, config), config, kinds, n_classes)
    if checkpoint is not None:
        loop.unpack(checkpoint)
    note = f"changes: {', '.join(kinds) or 'none'}"
    info = yield from learning.learn(loop.learned, config.steps, loop.advance, loop.pack, note)
    return learning.result(loop.learned, n_classes, method, info)


@dataclass(eq=False)
class Loop:
    """One step after another; besides the images only the network of the round goes on from step to step.

    network  that of the round that the next step belongs to
    """

    real: Real
    learned: Learned
    config: GradientOptions
    kinds: tuple[str, ...]
    n_classes: int

    def __post_init__(self) -> None:
        self.network = self._drawn(self.learned.step)

    def advance(self) -> Step:
        """Match, move, and train the network unless the round is over; returns the distance per class."""
        config, learned = self.config, self.learned
        step = learned.step
        if step and step % config.outer == 0:
            self.network = self._drawn(step)
        changes, gradient, total = self.real.changes(self.kinds, step), torch.zeros_like(learned.x), 0.0
        size = backbone.at_once(self.real.train.shape, config.width, self.real.device) // 3 + 1
        for label in self.real.rows:
            batch = changed(self.real.batch(label, config.batch, step), changes[label])
            wanted = yield from gradients_in_parts(self.network, batch, label, size)
            place = learned.places(label)
            gradient[place], loss = yield from pull(self.network, learned.x[place], changes[label], label, wanted, size)
            total += loss
            yield
        learned.move(gradient, config.lr_img * WIDTH / config.width, config.momentum)
        if learned.step % config.outer:
            yield from self._train(step)
        return total / len(self.real.rows)

    def _drawn(self, step: int) -> Classifier:
        return backbone.drawn(
            self.real.train.shape, self.n_classes, self.real.statistics, width=self.config.width,
            depth=self.config.depth, seed=self.real.numbers("network", step // self.config.outer),
            device=self.real.device,
        )  # fmt: skip

    def _train(self, step: int) -> Generator[None, None, None]:
        """Train the network on the learned images, each changed by its own amount."""
        x, source = self.learned.x, torch.Generator().manual_seed(self.real.numbers("train", step))
        y = torch.tensor(self.learned.y, device=x.device)
        weights = list(self.network.parameters())
        for _ in range(self.config.inner):
            for rows in torch.randperm(len(x), generator=source).split(TOGETHER):
                batch = x[rows]
                if self.kinds:
                    batch = augment(batch, draw(self.kinds, len(batch), source))
                found = torch.autograd.grad(F.cross_entropy(self.network(batch), y[rows]), weights)
                with torch.no_grad():
                    for weight, slope in zip(weights, found, strict=True):
                        weight.sub_(slope, alpha=self.config.lr_net)
                yield

    def pack(self) -> dict[str, np.ndarray]:
        weights = {f"network/{name}": learning.array(w) for name, w in self.network.state_dict().items()}
        return self.learned.pack() | weights

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        self.learned.unpack(state)
        self.network = self._drawn(self.learned.step)
        self.network.load_state_dict(
            {name: torch.tensor(state[f"network/{name}"]) for name in self.network.state_dict()}
        )


def matched(network: nn.Module) -> list[Tensor]:
    """Weights of convolutions and linear layers."""
    return [weight for weight in network.parameters() if weight.ndim > 1]


def gradients(network: nn.Module, x: Tensor, label: int, *, keep: bool = False) -> list[Tensor]:
    """Of the mean cross-entropy of images of one class, for each matched weight; `keep` to differentiate again."""
    loss = F.cross_entropy(network(x), torch.full((len(x),), label, device=x.device))
    return list(torch.autograd.grad(loss, matched(network), create_graph=keep))


def gradients_in_parts(network: nn.Module, x: Tensor, label: int, size: int) -> Generator[None, None, list[Tensor]]:
    """The same without a graph, for a batch too large for one go; pauses after every `size` images."""
    total = [torch.zeros_like(weight) for weight in matched(network)]
    for part in x.split(size):
        for held, found in zip(total, gradients(network, part, label), strict=True):
            held.add_(found, alpha=len(part) / len(x))
        yield
    return total


def pull(
    network: nn.Module, x: Tensor, change: Change | None, label: int, wanted: Sequence[Tensor], size: int
) -> Generator[None, None, tuple[Tensor, float]]:
    """Gradient of the distance in the learned images of a class, and the distance.

    More than `size` images go in parts: the gradient of the loss is a mean over images, so the derivative of the
    distance by it, once known, gives the share of each part.
    """
    if len(x) <= size:
        leaf = x.detach().requires_grad_()
        loss = distance(gradients(network, changed(leaf, change), label, keep=True), wanted)
        return torch.autograd.grad(loss, leaf)[0], float(loss.detach())
    found = yield from gradients_in_parts(network, changed(x, change), label, size)
    loss = distance([weight.requires_grad_() for weight in found], wanted)
    away, slopes = torch.autograd.grad(loss, found), []
    for part in x.split(size):
        leaf = part.detach().requires_grad_()
        own = gradients(network, changed(leaf, change), label, keep=True)
        dot = sum(((a * b).sum() for a, b in zip(own, away, strict=True)), start=x.new_zeros(()))
        slopes.append(torch.autograd.grad(dot * (len(part) / len(x)), leaf)[0])
        yield
    return torch.cat(slopes), float(loss.detach())


def distance(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Sum over layers and output channels of 1 - cosine (arXiv:2006.05929, section 3.3); each tensor (out, ...)."""
    total = torch.zeros((), device=found[0].device)
    for ours, theirs in zip(found, wanted, strict=True):
        a, b = ours.flatten(1), theirs.flatten(1)
        total = total + (1 - (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-6)).sum()
    return total
