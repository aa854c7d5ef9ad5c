"""Both sides of the bound of a cover for a trained model, estimated by PGD.

Left is the mean worst loss over train images within eps, right the weighted mean over the centres within eps plus the
radius of their ball (arXiv:2402.05675, section 3). With exact maxima left <= right for every model. PGD finds maxima
from below on both sides, so the two numbers are estimates and neither is a certificate. On a part of the train images
the weights count those images only, so that both sides are about the same images.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.events import Progress, Work
from core.maps import umap
from core.networks import restore
from core.runs import artifacts, keeping, stages, summary
from core.runs.config import RunConfig
from core.runs.job import Job
from core.runs.pipeline import check_fit
from core.types import CondensedSet, Dataset, Options, TrainSplit, option, stream

BATCH = 200  # images under attack at once
PULSE_S = 0.4


class BoundConfig(Options):
    """How the two sides are estimated."""

    eps: float = option(0.1, "attack budget, in the norm of the balls", unit="pixels in [0, 1]", ge=0)
    images: int = option(500, "train images of the left side, the same share of each class", unit="images", ge=1)
    steps: int = option(40, "gradient steps of PGD on either side", unit="steps", ge=1, le=1000)


def estimate(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Estimate both sides for the model and the cover in the files that `config` names."""
    from core.covering.bound import compare

    settings, chosen = RunConfig(**config["settings"]), BoundConfig(**config["bound"])
    condensed, model = artifacts.load_condensed(Path(config["cover"])), artifacts.load_model(Path(config["model"]))
    dataset = yield from stages.load(settings.data, job)
    check_fit(Path(config["model"]), model.shape, model.n_classes, dataset)
    train, centres = _part(dataset, condensed, chosen.images, settings.seed)
    network = restore(model, device=job.device)
    total = len(train) + len(centres)
    with keeping.timed(job.ledger, "evaluate"):
        sides = (
            (train.pixels(), train.y, np.full(len(train), chosen.eps)),
            (centres.x, centres.y, chosen.eps + centres.ball_radius),
        )
        losses: list[np.ndarray] = []
        for x, y, eps in sides:
            done = sum(map(len, losses))
            losses.append(
                (yield from _worst(network, x, y, eps, centres.norm, chosen, settings.seed, job, done, total))
            )
    told: Iterator[float] = iter(np.concatenate(losses).tolist())  # in the order in which `compare` asks
    found = compare(
        train, centres, chosen.eps, lambda x, y, eps: np.array([next(told) for _ in range(len(x))]), estimate=True
    )
    return summary.of_data(dataset, job) | {
        "left": found.left, "right": found.right, "holds": found.holds, "estimate": found.estimate, "eps": chosen.eps,
        "norm": centres.norm, "radius": condensed.radius, "images": len(train), "centres": len(centres),
        "steps": chosen.steps, "restarts": 1, "seed": settings.seed, "model_run": config["run"],
    }  # fmt: skip


def _part(dataset: Dataset, condensed: CondensedSet, images: int, seed: int) -> tuple[TrainSplit, CondensedSet]:
    """A stratified part of the train images, and the centres that own some of them, weighted by their number."""
    rows = umap.draw(dataset.train.y, min(images, len(dataset.train)), stream(seed, "bound"))
    weights = np.bincount(condensed.assignment[rows], minlength=len(condensed))
    kept = np.flatnonzero(weights)
    part = replace(
        condensed, x=condensed.x[kept], y=condensed.y[kept], ball_radius=condensed.ball_radius[kept],
        weights=weights[kept], indices=condensed.indices[kept], assignment=None, soft_labels=None,
    )  # fmt: skip
    return dataset.train.take(rows), part


def _worst(
    network: Any, x: np.ndarray, y: np.ndarray, eps: np.ndarray, norm: str, chosen: BoundConfig, seed: int, job: Job,
    done: int, total: int,
) -> Work[np.ndarray]:  # fmt: skip
    """(n,) the largest cross-entropy that PGD meets for each image within its own radius, the image itself included."""
    import torch
    from torch.nn.functional import cross_entropy

    from core.attacks import pgd_steps, untouched

    losses, told = [], 0.0
    for first in range(0, len(x), BATCH):
        rows = slice(first, first + BATCH)
        images = torch.tensor(x[rows], device=job.device)
        labels = torch.tensor(y[rows], device=job.device)
        radii = torch.tensor(eps[rows], dtype=torch.float32, device=job.device)
        generator = torch.Generator().manual_seed(stream(seed, "bound", done + first))
        work = pgd_steps(
            network, images, labels, norm=norm, eps=radii, steps=chosen.steps, generator=generator, keep="last"
        )
        with untouched(network), torch.no_grad():
            best = cross_entropy(network(images), labels, reduction="none")
        try:
            while True:
                step = next(work)
                best = torch.maximum(best, step.loss)
                if time.monotonic() - told > PULSE_S:
                    told = time.monotonic()
                    yield Progress(stage="evaluate", done=done + first, total=total, unit="images", note="PGD")
        except StopIteration as stop:
            with untouched(network), torch.no_grad():
                best = torch.maximum(best, cross_entropy(network(stop.value), labels, reduction="none"))
        finally:
            work.close()
        losses.append(best.double().cpu().numpy())
    return np.concatenate(losses)
