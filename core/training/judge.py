"""How "best" is judged: accuracy on held-out train images, clean or under a short PGD. Never on test images."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.attacks import pgd_steps, untouched
from core.training.attacking import silent
from core.training.options import AttackOptions, TrainingOptions
from core.types import TrainSplit, only_train, stream

IMAGES = 256  # held-out images judged
STEPS = 10  # of the judging PGD
BATCH = 64  # less than a second per gradient on a CPU


@dataclass(frozen=True, kw_only=True, eq=False)
class Judge:
    """Held-out images with the attack they are judged under; `sentence` says both."""

    x: Tensor
    y: Tensor
    config: TrainingOptions
    attacked: bool
    seed: int
    sentence: str

    @classmethod
    def make(cls, validation: TrainSplit, config: TrainingOptions, attacked: bool, seed: int, device: str) -> "Judge":
        """Draw the images once, so that every judgement of a training sees the same."""
        only_train(validation)
        rows = np.random.default_rng(stream(seed, "validation")).permutation(len(validation))[:IMAGES]
        attack = "clean"
        if attacked and isinstance(config, AttackOptions):
            attack = f"PGD-{STEPS}, {config.norm}, ε {config.eps:.4g}"
        return cls(
            x=torch.from_numpy(np.array(validation.pixels(rows))).to(device),
            y=torch.from_numpy(validation.y[rows]).to(device),
            config=config,
            attacked=attacked,
            seed=seed,
            sentence=f"{attack} accuracy on {len(rows)} held-out train images",
        )

    def accuracy(self, network: nn.Module) -> Generator[None, None, float]:
        """Share classified correctly, in [0, 1]; the network's mode is as before."""
        generator = torch.Generator().manual_seed(stream(self.seed, "judge"))
        correct, config = 0, self.config
        for rows in torch.arange(len(self.y), device=self.y.device).split(BATCH):
            x, y = self.x[rows], self.y[rows]
            if self.attacked and isinstance(config, AttackOptions):
                x = yield from silent(
                    pgd_steps(network, x, y, norm=config.norm, eps=config.eps, steps=STEPS, generator=generator)
                )
            with untouched(network), torch.no_grad():
                correct += int((network(x).argmax(1) == y).sum())
            yield
        return correct / len(self.y)
