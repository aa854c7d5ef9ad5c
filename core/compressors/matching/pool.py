"""Networks of different ages, each trained a little at every step on attacked real images.

Source: Zhou et al., "ROME", ICML 2025 (openreview agtwOsnLUB): the pool begins with three networks, a fresh one comes
every few steps and the oldest leaves when there are too many; at each step two of them are trained by SGD with momentum
0.9 and weight decay 5e-4. A network remembers how many attacked images it gets right: what weighs its opinion.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.attacks import pgd_steps
from core.compressors import backbone
from core.compressors.matching.learning import Real, array
from core.compressors.matching.options import RobustDM
from core.events import through
from core.networks.classifier import Classifier

BEGIN, TRAINED = 3, 2  # networks at first, and those trained at each step
MOMENTUM, DECAY = 0.9, 0.0005
MEMORY = 0.9  # share of the old accuracy in the running one


@dataclass(eq=False)
class Member:
    """A network with its momentum; accuracy is the running share of attacked images it had right in training."""

    number: int
    network: Classifier
    velocity: list[Tensor]
    accuracy: float = 0.0

    def descend(self, gradient: tuple[Tensor, ...], lr: float) -> None:
        """One step of SGD with momentum and weight decay."""
        with torch.no_grad():
            for weight, velocity, slope in zip(self.network.parameters(), self.velocity, gradient, strict=True):
                velocity.mul_(MOMENTUM).add_(slope).add_(weight, alpha=DECAY)
                weight.sub_(velocity, alpha=lr)


@dataclass(eq=False)
class Pool:
    """The networks, oldest first."""

    real: Real
    config: RobustDM
    n_classes: int
    members: list[Member]

    @classmethod
    def begin(cls, real: Real, config: RobustDM, n_classes: int) -> "Pool":
        pool = cls(real, config, n_classes, [])
        pool.members = [pool._drawn(number) for number in range(min(BEGIN, config.pool))]
        return pool

    def _drawn(self, number: int) -> Member:
        network = backbone.drawn(
            self.real.train.shape, self.n_classes, self.real.statistics, width=self.config.width,
            depth=self.config.depth, seed=self.real.numbers("network", number), device=self.real.device,
        )  # fmt: skip
        return Member(number, network, [torch.zeros_like(weight) for weight in network.parameters()])

    def choose(self, step: int) -> Member:
        """The network of a step; a fresh one has come before when it was due."""
        if step and step % self.config.fresh == 0:
            self.members = [*self.members, self._drawn(self.members[-1].number + 1)][-self.config.pool :]
        return self.members[self._rng("choice", step).integers(len(self.members))]

    def train(self, step: int) -> Generator[None, None, None]:
        """`inner` steps of two networks, each on a batch of its own of all classes, attacked."""
        chosen = self._rng("trained", step).permutation(len(self.members))[:TRAINED]
        for member in (self.members[place] for place in sorted(chosen)):
            for inner in range(self.config.inner):
                names = ("train", step, member.number, inner)
                x, y = self._batch(names)
                x = yield from attacked(member.network, x, y, self.config, self.n_classes, self.real.numbers(*names))
                logits = member.network(x)
                loss = F.cross_entropy(logits, y)
                member.descend(torch.autograd.grad(loss, list(member.network.parameters())), self.config.lr_net)
                right = float((logits.detach().argmax(1) == y).float().mean())
                member.accuracy = MEMORY * member.accuracy + (1 - MEMORY) * right
                yield

    def _batch(self, names: tuple[str | int, ...]) -> tuple[Tensor, Tensor]:
        train, rng = self.real.train, self._rng(*names)
        rows = rng.choice(len(train), min(self.config.batch, len(train)), replace=False)
        return (
            torch.tensor(train.pixels(rows), device=self.real.device),
            torch.tensor(train.y[rows], device=self.real.device),
        )

    def _rng(self, *names: str | int) -> np.random.Generator:
        return np.random.default_rng(self.real.numbers(*names))

    def pack(self) -> dict[str, np.ndarray]:
        """Numbers, accuracies, weights and momenta as named arrays."""
        packed = {
            "pool/numbers": np.array([member.number for member in self.members]),
            "pool/accuracies": np.array([member.accuracy for member in self.members]),
        }
        for member in self.members:
            for place, (weight, velocity) in enumerate(zip(member.network.parameters(), member.velocity, strict=True)):
                packed[f"pool/{member.number}/weight/{place}"] = array(weight)
                packed[f"pool/{member.number}/velocity/{place}"] = array(velocity)
        return packed

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `pack` gave."""
        self.members = [self._drawn(int(number)) for number in state["pool/numbers"]]
        for member, accuracy in zip(self.members, state["pool/accuracies"], strict=True):
            member.accuracy = float(accuracy)
            with torch.no_grad():
                for place, weight in enumerate(member.network.parameters()):
                    weight.copy_(torch.tensor(state[f"pool/{member.number}/weight/{place}"]))
                    member.velocity[place].copy_(torch.tensor(state[f"pool/{member.number}/velocity/{place}"]))


def attacked(
    network: nn.Module, x: Tensor, y: Tensor, config: RobustDM, n_classes: int, seed: int
) -> Generator[None, None, Tensor]:
    """PGD in pixel space from a random start, the last iterate kept; towards the next class when that is the aim."""
    steps = pgd_steps(
        network, x, y, norm=config.norm, eps=config.eps, steps=config.attack_steps, keep="last",
        targets=(y + 1) % n_classes if config.aim == "next" else None, generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    return (yield from through(steps, lambda _: None))
