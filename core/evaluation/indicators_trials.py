"""The audit's attacks: runs of PGD and Square whose outcome the rules in `indicators` compare.

Runs that are compared begin from the same random starts, so that a difference is not one of luck. Every run
at the audited eps also counts towards the worst case that the audit reports.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from core.attacks import Step, fgsm, pgd_steps, square_steps
from core.attacks.losses import LOSSES
from core.evaluation.indicators_probes import Logits, equal_noise, in_parts
from core.events import through
from core.types import Norm, stream


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """The outcome of one run of PGD.

    standing  (n,) bool images right without the attack and under it
    gain      mean over right images of how far the loss has risen, one number per step; empty for keep="last"
    silent    (n,) bool right images on which the loss never rose above that of the start
    """

    standing: Tensor
    gain: tuple[float, ...]
    silent: Tensor


class Trials:
    """A model under audit, with the worst case over every attack so far.

    right     (n,) bool images right without an attack
    standing  (n,) bool images right under all attacks at `eps` so far
    """

    def __init__(self, model: Logits, x: Tensor, y: Tensor, *, norm: Norm, eps: float, seed: int, batch: int) -> None:
        self.model, self.x, self.y, self.norm, self.eps, self.seed, self.batch = model, x, y, norm, eps, seed, batch
        self.right = in_parts(model, x, batch).argmax(1) == y
        self.standing = self.right.clone()

    def accuracy(self, standing: Tensor) -> float:
        """Percent of all images."""
        return 100 * float(standing.float().mean())

    def judge(self, images: Tensor, *, counts: bool = True) -> Tensor:
        """Which images are right both clean and as given, (n,) bool; counts them for the worst case."""
        standing = self.right & (in_parts(self.model, images, self.batch).argmax(1) == self.y)
        if counts:
            self.standing &= standing
        return standing

    def pgd(
        self, loss: str, steps: int, *, eps: float | None = None, keep: Literal["worst", "last"] = "worst",
        start: int = 0, scale: float = 1.0,
    ) -> Generator[None, None, Trial]:  # fmt: skip
        """Run PGD from random start number `start`, with logits multiplied by `scale`, yielding at each step."""
        radius = self.eps if eps is None else eps
        source = torch.Generator().manual_seed(stream(self.seed, "audit", "start", start))
        found, best, first = self.x.clone(), self._loss(loss, scale), torch.full_like(self.x[:, 0, 0, 0], torch.nan)
        clean, gain = best.clone(), torch.zeros(steps + 1)
        rose = torch.zeros_like(self.right)
        for rows in torch.arange(len(self.x), device=self.x.device).split(self.batch):
            run = pgd_steps(
                lambda images: scale * self.model(images), self.x[rows], self.y[rows], norm=self.norm, eps=radius,
                steps=steps, loss=loss, generator=source, keep=keep,
            )  # fmt: skip
            level = torch.zeros(steps + 1)

            def note(step: Step, rows: Tensor = rows, level: Tensor = level) -> None:
                at = rows[step.rows]
                first[at] = torch.where(first[at].isnan(), step.loss, first[at])
                rose[at] |= step.loss > first[at]
                best[at] = torch.maximum(best[at], step.loss)
                level[step.step :] = float((best - clean)[rows][self.right[rows]].sum())

            found[rows] = yield from through(run, note)
            gain += level
        standing = self.judge(found, counts=radius <= self.eps)
        gain = gain / self.right.sum().clamp_min(1).cpu()
        silent = self.right & ~rose & standing
        return Trial(standing=standing, gain=tuple(gain.tolist()) if keep == "worst" else (), silent=silent)

    def fgsm(self) -> Tensor:
        """FGSM with cross-entropy, (n,) bool standing."""
        return self.judge(fgsm(self.model, self.x, self.y, norm=self.norm, eps=self.eps))

    def noise(self) -> Tensor:
        """One random step of length eps, (n,) bool standing."""
        source = torch.Generator().manual_seed(stream(self.seed, "audit", "noise"))
        return self.judge(equal_noise(self.x, self.norm, self.eps, source))

    def square(self, queries: int) -> Generator[None, None, int]:
        """Square on what is standing; returns how many of those it breaks."""
        rows = self.standing.nonzero()[:, 0]
        if not len(rows):
            return 0
        run = square_steps(
            self.model, self.x[rows], self.y[rows], norm=self.norm, eps=self.eps, queries=queries, seed=self.seed
        )
        return (yield from self._newly_broken(rows, run))

    def transfer(self, standard: Logits, steps: int) -> Generator[None, None, int]:
        """Margin-PGD on another model, tried on what is standing here; returns how many it breaks."""
        rows = self.standing.nonzero()[:, 0]
        source = torch.Generator().manual_seed(stream(self.seed, "audit", "transfer"))
        run = pgd_steps(
            standard, self.x[rows], self.y[rows], norm=self.norm, eps=self.eps, steps=steps, loss="margin",
            generator=source, keep="last",
        )  # fmt: skip
        return (yield from self._newly_broken(rows, run))

    def _newly_broken(self, rows: Tensor, run: Generator[object, None, Tensor]) -> Generator[None, None, int]:
        before, images = int(self.standing.sum()), self.x.clone()
        images[rows] = yield from through(run, lambda _: None)
        self.judge(images)
        return before - int(self.standing.sum())

    def _loss(self, loss: str, scale: float) -> Tensor:
        return LOSSES[loss](scale * in_parts(self.model, self.x, self.batch), self.y)
