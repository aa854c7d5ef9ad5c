"""The networks of FRePo: one is used at a step, then takes one step of training on the learned images.

Source: Zhou, Nezhadarya & Ba 2022, arXiv:2206.00719: ten networks, squared error, Adam with 3e-4, a fresh network after
100 steps. Ours: the first lives end one after another, so that ages are mixed from the beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.attacks import LOSSES
from core.compressors import backbone
from core.compressors.regression.options import FRePo
from core.networks.classifier import Classifier
from core.types import stream


@dataclass(eq=False)
class Member:
    """A network with Adam's memory: how often it was born, and how many steps it has left."""

    network: Classifier
    adam: torch.optim.Adam
    births: int
    left: int


@dataclass(eq=False)
class Networks:
    """A fixed number of places, each with a network that is replaced when its life is over."""

    config: FRePo
    shape: tuple[int, int, int]
    n_classes: int
    statistics: tuple[tuple[float, ...], tuple[float, ...]]
    seed: int
    device: str
    members: list[Member]

    @classmethod
    def begin(
        cls, config: FRePo, shape: tuple[int, int, int], n_classes: int,
        statistics: tuple[tuple[float, ...], tuple[float, ...]], seed: int, device: str,
    ) -> "Networks":  # fmt: skip
        networks = cls(config, shape, n_classes, statistics, seed, device, [])
        networks.members = [
            networks._born(place, 0, max(1, round(config.life * (place + 1) / config.pool)))
            for place in range(config.pool)
        ]
        return networks

    def _born(self, place: int, births: int, left: int) -> Member:
        network = backbone.drawn(
            self.shape, self.n_classes, self.statistics, width=self.config.width, depth=self.config.depth,
            seed=stream(self.seed, "frepo", "network", place, births), device=self.device, family=self.config.family,
        )  # fmt: skip
        return Member(network, torch.optim.Adam(network.parameters(), lr=self.config.lr_net), births, left)

    def at(self, step: int) -> Member:
        """The network of a step, any of them alike."""
        rng = np.random.default_rng(stream(self.seed, "frepo", "choice", step))
        return self.members[rng.integers(len(self.members))]

    def oldest(self) -> Member:
        """The one with the fewest steps left."""
        return min(self.members, key=lambda member: member.left)

    def train(self, member: Member, x: Tensor, targets: Tensor) -> None:
        """One step of Adam on the squared error of the learned images; at the end of its life a fresh one follows."""
        member.adam.zero_grad()
        loss = LOSSES["mse"](member.network(x), targets).mean()
        loss.backward()
        member.adam.step()
        member.left -= 1
        if not member.left:
            place = self.members.index(member)
            self.members[place] = self._born(place, member.births + 1, self.config.life)

    def pack(self) -> dict[str, np.ndarray]:
        """Everything as named arrays."""
        packed = {
            "networks/births": np.array([member.births for member in self.members]),
            "networks/left": np.array([member.left for member in self.members]),
        }
        for place, member in enumerate(self.members):
            values = {f"weight/{i}": weight for i, weight in enumerate(member.network.parameters())}
            for i, memory in member.adam.state_dict()["state"].items():
                values |= {f"adam/{i}/{name}": value for name, value in memory.items()}
            packed |= {f"networks/{place}/{n}": value.detach().cpu().numpy().copy() for n, value in values.items()}
        return packed

    def unpack(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `pack` gave."""
        lives = zip(state["networks/births"], state["networks/left"], strict=True)
        self.members = [self._born(place, int(births), int(left)) for place, (births, left) in enumerate(lives)]
        for place, member in enumerate(self.members):
            start, memory = f"networks/{place}/", dict[int, dict[str, Tensor]]()
            for i, weight in enumerate(member.network.parameters()):
                with torch.no_grad():
                    weight.copy_(torch.tensor(state[f"{start}weight/{i}"]))
            for name, array in state.items():
                if name.startswith(f"{start}adam/"):
                    index, entry = name.removeprefix(f"{start}adam/").split("/")
                    memory.setdefault(int(index), {})[entry] = torch.tensor(array)
            groups = member.adam.state_dict()["param_groups"]
            member.adam.load_state_dict({"state": memory, "param_groups": groups})
