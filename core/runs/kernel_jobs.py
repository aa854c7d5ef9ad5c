"""Jobs on a condensed set: judge kernel regression on it, and networks trained on it beside that regression.

Kernel regression is the limit of NTK-parametrised networks of growing width (Jacot et al. 2018, arXiv:1806.07572; Lee
et al. 2019, arXiv:1902.06720), so it stands as the last stop of a row of widths.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.evaluation import evaluate as judging
from core.evaluation import ladder
from core.events import Progress, Work
from core.runs import artifacts, keeping, kernel_price, kernel_stops, stages, summary
from core.runs.config import RunConfig
from core.runs.job import Job
from core.runs.kernel_stops import WidthConfig
from core.runs.pipeline import check_fit
from core.types import CondensedSet, Dataset, Options, option

if TYPE_CHECKING:
    from core.kernels import Kernel, KernelRegressor


class KernelConfig(Options):
    """The kernel of a judgement; what is left out comes from the condensed set, else from KIP's defaults."""

    kernel: Literal["fc", "conv"] | None = option(None, "family of the kernel")
    depth: int | None = option(None, "hidden layers of the kernel", ge=1, le=12)
    bias_std: float | None = option(None, "standard deviation of the kernel's biases", ge=0, le=10)
    readout: Literal["flat", "gap"] | None = option(None, "of conv: flat or gap")
    ridge: float | None = option(None, "regularisation, relative to the mean diagonal", ge=0, le=1e3)


def regressor(
    config: Mapping[str, Any], job: Job
) -> Work[tuple[RunConfig, "KernelRegressor", dict[str, Any], Dataset]]:
    """Kernel regression on the set in the file `config["condensed"]`, with what the record says about it."""
    settings, condensed, dataset = yield from _opened(config, job)
    kernel, ridge = _kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted = _fit(condensed, dataset, kernel, ridge, job)
    return settings, fitted, _about(condensed, fitted, ridge), dataset


def judge(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Evaluate kernel regression on the condensed set in the file `config["condensed"]`."""
    settings, fitted, about, dataset = yield from regressor(config, job)
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        report = yield from judging.evaluate(
            fitted, dataset.test, settings.evaluation, n_classes=dataset.n_classes, seed=settings.seed,
            device=job.device,
        )  # fmt: skip
    found = summary.of_report(report, settings.evaluation)
    return (
        summary.of_data(dataset, job)
        | about
        | {"seed": settings.seed}
        | found
        | {"notes": [*dataset.notes, *found["notes"]]}
    )


def width(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Train networks on the condensed set and judge them, then the kernel; rows in the order they are done."""
    settings, condensed, dataset = yield from _opened(config, job)
    chosen = WidthConfig(**config["width"])
    kernel, ridge = _kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted, rows = _fit(condensed, dataset, kernel, ridge, job), []
    stops = kernel_stops.stops(chosen, kernel, dataset)
    total = len(stops) * chosen.seeds + 1
    price = yield from kernel_price.measure(chosen, stops, fitted, dataset, budget=len(condensed), device=job.device)
    told = {"price_s": price.seconds, "price_mb": price.memory / 1e6}
    yield Progress(stage="width", total=total, unit="stops", values=told, note=kernel_price.sentence(price))
    for stop in stops:
        for seed in range(settings.seed, settings.seed + chosen.seeds):
            about = {"network": stop.network, "title": stop.title, "width": stop.options.get("width"), "seed": seed}
            with keeping.timed(job.ledger, "train"):
                model, loss = yield from kernel_stops.trained(
                    stop, chosen, condensed, dataset, seed, job.device, done=len(rows), total=total
                )
            found = yield from _judged(model, chosen, dataset, settings.seed, job, len(rows), total)
            rows.append(about | {"train_loss": loss} | found)
    about = {"network": "kernel", "title": f"kernel {kernel.sentence()}", "width": None, "seed": settings.seed}
    loss = kernel_stops.train_loss(fitted, condensed, "mse", job.device) if chosen.loss == "mse" else None
    found = yield from _judged(fitted, chosen, dataset, settings.seed, job, len(rows), total)
    rows.append(about | {"train_loss": loss} | found)
    numbers = {"what": chosen.what, "rows": rows, "seeds": chosen.seeds, "epochs": chosen.epochs,
               "training": chosen.sentence(), "loss": chosen.loss,
               "pace": dict(price.pace), "price_s": price.seconds,
               "attack_norm": chosen.norm, "eps": chosen.eps, "eval_images": rows[-1]["images"],
               "attacks": ladder.sentences(chosen.norm, chosen.eps), "seed": settings.seed,
               "spectrum": _spectrum(condensed, dataset, kernel, job), "model_run": config.get("run", "")}  # fmt: skip
    return summary.of_data(dataset, job) | _about(condensed, fitted, ridge) | numbers | {"notes": list(dataset.notes)}


def _opened(config: Mapping[str, Any], job: Job) -> Work[tuple[RunConfig, CondensedSet, Dataset]]:
    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    dataset = yield from stages.load(settings.data, job)
    check_fit(path, condensed.x.shape[1:], condensed.n_classes, dataset)
    return settings, condensed, dataset


def _kernel(condensed: CondensedSet, chosen: KernelConfig) -> tuple["Kernel", float]:
    """The kernel and ridge of a judgement: as chosen, else as the set was learned with, else KIP's defaults."""
    from core.kernels import Kernel

    known, asked = condensed.info, {"family": chosen.kernel, **chosen.model_dump(exclude={"kernel", "ridge"})}
    default = {"family": "fc", "depth": 3, "bias_std": 0.0, "readout": "flat"}
    parts = {
        name: value if value is not None else known.get(f"kernel_{name}", default[name])
        for name, value in asked.items()
    }
    ridge = chosen.ridge if chosen.ridge is not None else known.get("ridge", 1e-6)
    return Kernel(**parts), float(ridge)


def _fit(condensed: CondensedSet, dataset: Dataset, kernel: "Kernel", ridge: float, job: Job) -> "KernelRegressor":
    from core.kernels import fit_condensed, mean_image

    return fit_condensed(condensed, kernel, mean_image(dataset.train), ridge=ridge, device=job.device)


def _spectrum(condensed: CondensedSet, dataset: Dataset, kernel: "Kernel", job: Job) -> list[float]:
    """Eigenvalues of the kernel matrix of the centred support, largest first, in float64."""
    import torch

    from core.kernels import mean_image, precise

    x = precise(torch.tensor(condensed.x - mean_image(dataset.train)))
    return torch.linalg.eigvalsh(kernel(x)).flip(0).tolist()


def _judged(model, chosen, dataset, seed, job, done, total) -> Work[dict[str, Any]]:
    """The ladder of attacks on one model as flat values, told once when it is complete."""
    with keeping.timed(job.ledger, "evaluate"):
        row = yield from ladder.climb(
            model, dataset.test, norm=chosen.norm, eps=chosen.eps, images=chosen.images, seed=seed, device=job.device,
            done=done, total=total,
        )  # fmt: skip
    values = {name: row[name] for name in ("clean_acc", "fgsm_acc", "pgd_acc", "strong_acc", "zero_gradient")}
    yield Progress(stage="width", done=done + 1, total=total, unit="stops", values=values)
    return row


def _about(condensed: CondensedSet, fitted: "KernelRegressor", ridge: float) -> dict[str, Any]:
    return {
        "model": "kernel", "kernel": fitted.kernel.sentence(), "ridge": ridge, "jitter": fitted.jitter,
        "alpha_max": fitted.alpha_max, "contrast": fitted.contrast, "method": condensed.method,
        "budget": len(condensed),
    }  # fmt: skip
