"""Job on a condensed set: networks trained on it, of growing width or of every family, beside kernel regression on it.

Kernel regression is the limit of NTK-parametrised networks of growing width (Jacot et al. 2018, arXiv:1806.07572; Lee
et al. 2019, arXiv:1902.06720), so it stands as the last stop of a row of widths.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from core.engine.job import Job
from core.evaluation import ladder
from core.events import Progress, Work
from core.jobs import keeping, measured, width_price, width_stops
from core.jobs.kernel import chosen_kernel, fit, opened, told_of
from core.jobs.options import KernelConfig, WidthConfig
from core.jobs.run import network_seeds
from core.kernels import Kernel, mean_image, precise
from core.types import CondensedSet, Dataset


def width(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Train networks on the condensed set and judge them, then the kernel; rows in the order they are done."""
    settings, condensed, dataset = yield from opened(config, job)
    chosen = WidthConfig(**config["width"])
    kernel, ridge = chosen_kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted = fit(condensed, dataset, kernel, ridge, job)
    rows: list[dict[str, Any]] = []
    stops = width_stops.stops(chosen, kernel, dataset)
    total = len(stops) * chosen.seeds + 1
    price = yield from width_price.measure(chosen, stops, fitted, dataset, budget=len(condensed), device=job.device)
    told = {"price_s": price.seconds, "price_mb": price.memory / 1e6}
    yield Progress(stage="width", total=total, unit="stops", values=told, note=width_price.sentence(price))
    for stop in stops:
        for seed in network_seeds(settings.seed, chosen.seeds):
            about = {"network": stop.network, "title": stop.title, "width": stop.options.get("width"), "seed": seed}
            with keeping.timed(job.ledger, "train"):
                model, loss = yield from width_stops.trained(
                    stop, chosen, condensed, dataset, seed, job.device, done=len(rows), total=total
                )
            found = yield from _judged(model, chosen, dataset, settings.seed, job, len(rows), total)
            rows.append(about | {"train_loss": loss} | found)
    about = {"network": "kernel", "title": f"kernel {kernel.sentence()}", "width": None, "seed": settings.seed}
    own = width_stops.train_loss(fitted, condensed, "mse", job.device) if chosen.loss == "mse" else None
    found = yield from _judged(fitted, chosen, dataset, settings.seed, job, len(rows), total)
    rows.append(about | {"train_loss": own} | found)
    numbers = {"what": chosen.what, "rows": rows, "seeds": chosen.seeds, "epochs": chosen.epochs,
               "training": chosen.sentence(), "loss": chosen.loss,
               "pace": dict(price.pace), "price_s": price.seconds,
               "attack_norm": chosen.norm, "eps": chosen.eps, "eval_images": rows[-1]["images"],
               "attacks": ladder.sentences(chosen.norm, chosen.eps), "seed": settings.seed,
               "spectrum": _spectrum(condensed, dataset, kernel, job), "model_run": config.get("run", "")}  # fmt: skip
    return measured.of_data(dataset, job) | told_of(condensed, fitted, ridge) | numbers | {"notes": list(dataset.notes)}


def _spectrum(condensed: CondensedSet, dataset: Dataset, kernel: Kernel, job: Job) -> list[float]:
    """Eigenvalues of the kernel matrix of the centred support, largest first, in float64."""
    x = precise(torch.tensor(condensed.x - mean_image(dataset.train)))
    return torch.linalg.eigvalsh(kernel(x)).flip(0).tolist()


def _judged(
    model: nn.Module, chosen: WidthConfig, dataset: Dataset, seed: int, job: Job, done: int, total: int
) -> Work[dict[str, Any]]:
    """The ladder of attacks on one model as flat values, told once when it is complete."""
    with keeping.timed(job.ledger, "evaluate"):
        row = yield from ladder.climb(
            model, dataset.test, norm=chosen.norm, eps=chosen.eps, images=chosen.images, seed=seed, device=job.device,
            done=done, total=total,
        )  # fmt: skip
    values = {name: row[name] for name in ("clean_acc", "fgsm_acc", "pgd_acc", "strong_acc", "zero_gradient")}
    yield Progress(stage="width", done=done + 1, total=total, unit="stops", values=values)
    return row
