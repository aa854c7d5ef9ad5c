"""Both sides of the bound of a cover for a trained model, estimated by PGD.

Left is the mean worst loss over train images within eps, right the weighted mean over the centres within eps plus the
radius of their ball (arXiv:2402.05675, section 3). With exact maxima left <= right for every model. PGD finds maxima
from below on both sides, so the two numbers are estimates and neither is a certificate. On a part of the train images
the weights count those images only, so that both sides are about the same images.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.attacks import Step, pgd_steps, untouched
from core.covering.bound import compare, radii
from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, Pulse, Work, pulsing, through
from core.jobs import keeping, loading, measured
from core.jobs.options import BoundConfig
from core.networks.model import restore
from core.settings.run import RunConfig
from core.types import CondensedSet, Norm, drawn_part, stream

BATCH = 200  # images under attack at once


def estimate(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Estimate both sides for the model and the cover in the files that `config` names."""
    settings, chosen = RunConfig(**config["settings"]), BoundConfig(**config["bound"])
    condensed, model = artifacts.load_condensed(Path(config["cover"])), artifacts.load_model(Path(config["model"]))
    dataset = yield from loading.load(settings.data, job)
    loading.check_fit(Path(config["model"]), model, dataset)
    rows, owners, weights = _part(dataset.train.y, condensed, chosen.images, settings.seed)
    train, norm = dataset.train.take(rows), condensed.balls.norm
    climb = _Climb(restore(model, device=job.device), norm, chosen, settings.seed, job, len(rows) + len(owners))
    with keeping.timed(job.ledger, "evaluate"):
        images = yield from climb.worst(train.pixels(), train.y, np.full(len(train), chosen.eps))
        reach = radii(condensed, chosen.eps)[owners]
        centres = yield from climb.worst(condensed.x[owners], condensed.y[owners], reach, done=len(rows))
    found = compare(images, centres, weights, eps=chosen.eps, estimate=True)
    return measured.of_data(dataset, job) | {
        "left": found.left, "right": found.right, "holds": found.holds, "estimate": found.estimate, "eps": chosen.eps,
        "norm": norm, "radius": condensed.radius, "images": len(rows), "centres": len(owners),
        "steps": chosen.steps, "restarts": 1, "seed": settings.seed, "model_run": config["run"],
    }  # fmt: skip


def _part(y: np.ndarray, cover: CondensedSet, images: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a stratified part of the train images, the centres that own some of them, and how many each owns."""
    rows = drawn_part(y, images, stream(seed, "bound"))
    owned = np.bincount(cover.balls.assignment[rows], minlength=len(cover))
    owners = np.flatnonzero(owned)
    return rows, owners, owned[owners]


@dataclass(frozen=True, eq=False)
class _Climb:
    """PGD on many images of one network; `total` images in all are looked at."""

    network: nn.Module
    norm: Norm
    chosen: BoundConfig
    seed: int
    job: Job
    total: int

    def worst(self, x: np.ndarray, y: np.ndarray, eps: np.ndarray, done: int = 0) -> Work[np.ndarray]:
        """(n,) float64 largest cross-entropy met for each image within its own radius, the image itself included."""
        losses, pulse = [], Pulse(first=True)
        for first in range(0, len(x), BATCH):
            rows = slice(first, first + BATCH)
            beat = Progress(stage="evaluate", done=done + first, total=self.total, unit="images", note="PGD")
            generator = torch.Generator().manual_seed(stream(self.seed, "bound", done + first))
            images, labels, reach = (torch.tensor(part[rows], device=self.job.device) for part in (x, y, eps))
            work = self._batch(images, labels, reach.float(), generator)
            best = yield from pulsing(work, partial(_still, beat), pulse)
            losses.append(best.double().cpu().numpy())
        return np.concatenate(losses)

    def _batch(self, x: Tensor, y: Tensor, eps: Tensor, generator: torch.Generator) -> Generator[None, None, Tensor]:
        """The same for one batch, (b,); pauses after every gradient."""
        with untouched(self.network), torch.no_grad():
            best = cross_entropy(self.network(x), y, reduction="none")
        work = pgd_steps(
            self.network, x, y, norm=self.norm, eps=eps, steps=self.chosen.steps, generator=generator,
            keep="last",
        )  # fmt: skip

        def pause(step: Step) -> None:
            torch.maximum(best, step.loss, out=best)

        last = yield from through(work, pause)
        with untouched(self.network), torch.no_grad():
            return torch.maximum(best, cross_entropy(self.network(last), y, reduction="none"))


def _still(beat: Progress, moment: None) -> Progress:
    return beat
