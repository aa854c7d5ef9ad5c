"""Jobs on a condensed set: judge kernel regression on it, and networks trained on it beside that regression.

Kernel regression is the limit of NTK-parametrised networks of growing width (Jacot et al. 2018, arXiv:1806.07572; Lee
et al. 2019, arXiv:1902.06720), so it stands as the last stop of a row of widths. Networks are trained by standard
training with momentum, on squared error with the learned labels. They see images normalised per channel, the kernel
sees them minus the mean train image; the limit is therefore approached up to that shift.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator

from core.errors import ConfigError
from core.evaluation import evaluate as judging
from core.evaluation import ladder
from core.events import Progress, Work
from core.networks import NETWORKS, build, restore
from core.networks.statistics import channel_statistics
from core.runs import artifacts, keeping, stages, summary
from core.runs.config import RunConfig
from core.runs.job import Job
from core.runs.pipeline import check_fit
from core.training import TRAINERS
from core.types import CondensedSet, Dataset, Norm, Options, option

if TYPE_CHECKING:
    from core.kernels import Kernel, KernelRegressor

WIDEST = 8192


class KernelConfig(Options):
    """The kernel of a judgement; what is left out comes from the condensed set, else from KIP's defaults."""

    kernel: Literal["fc", "conv"] | None = option(None, "family of the kernel")
    depth: int | None = option(None, "hidden layers of the kernel", ge=1, le=12)
    bias_std: float | None = option(None, "standard deviation of the kernel's biases", ge=0, le=10)
    readout: Literal["flat", "gap"] | None = option(None, "of conv: flat or gap")
    ridge: float | None = option(None, "regularisation, relative to the mean diagonal", ge=0, le=1e3)


class WidthConfig(Options):
    """Which networks are set beside the kernel, and how all are judged."""

    what: Literal["width", "architectures"] = option("width", "NTK MLPs of growing width, or every network there is")
    widths: tuple[int, ...] = option((64, 256, 1024, 4096), "units per hidden layer, at most 8,192")
    seeds: int = option(1, "networks trained at each stop", ge=1, le=10)
    epochs: int = option(200, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    norm: Norm = option("Linf", "norm of the attacks")
    eps: float = option(0.1, "largest perturbation", unit="pixels in [0, 1]", gt=0)
    images: int = option(200, "test images judged", unit="images", ge=1)

    @field_validator("widths")
    @classmethod
    def _possible(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if not widths or min(widths) < 1 or max(widths) > WIDEST:
            raise ConfigError(f"widths must lie between 1 and {WIDEST}, got {widths}")
        return tuple(sorted(set(widths)))


def judge(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Evaluate kernel regression on the condensed set in the file `config["condensed"]`."""
    settings, condensed, dataset = yield from _opened(config, job)
    kernel, ridge = _kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted = _fit(condensed, dataset, kernel, ridge, job)
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        report = yield from judging.evaluate(
            fitted, dataset.test, settings.evaluation, n_classes=dataset.n_classes, seed=settings.seed,
            device=job.device,
        )  # fmt: skip
    found = summary.of_report(report, settings.evaluation)
    about = _about(condensed, fitted, ridge) | {"seed": settings.seed}
    return summary.of_data(dataset, job) | about | found | {"notes": [*dataset.notes, *found["notes"]]}


def width(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Train networks on the condensed set and judge them, then the kernel; rows in the order they are done."""
    settings, condensed, dataset = yield from _opened(config, job)
    chosen = WidthConfig(**config["width"])
    kernel, ridge = _kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted, stops, rows = _fit(condensed, dataset, kernel, ridge, job), _stops(chosen, kernel, dataset), []
    total = len(stops) * chosen.seeds + 1
    for network, options, words in stops:
        for seed in range(settings.seed, settings.seed + chosen.seeds):
            about = {"network": network, "title": words, "width": options.get("width"), "seed": seed}
            with keeping.timed(job.ledger, "train"):
                model = yield from _trained(network, options, chosen, condensed, dataset, seed, job, len(rows), total)
            with keeping.timed(job.ledger, "evaluate"):
                rows.append(about | (yield from _judged(model, chosen, dataset, settings.seed, job, len(rows), total)))
    about = {"network": "kernel", "title": f"kernel {kernel.sentence()}", "width": None, "seed": settings.seed}
    with keeping.timed(job.ledger, "evaluate"):
        rows.append(about | (yield from _judged(fitted, chosen, dataset, settings.seed, job, len(rows), total)))
    numbers = {"what": chosen.what, "rows": rows, "seeds": chosen.seeds, "epochs": chosen.epochs,
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


def _stops(chosen: WidthConfig, kernel: "Kernel", dataset: Dataset) -> list[tuple[str, dict[str, Any], str]]:
    """Network, options and title of every stop before the kernel."""
    if chosen.what == "width":
        depth = {"depth": kernel.depth, "bias_std": kernel.bias_std}
        return [("ntk-mlp", {"width": width, **depth}, f"NTK MLP, width {width}") for width in chosen.widths]
    return [
        (name, {}, entry.title)
        for name, entry in NETWORKS.items()
        if not entry.refuse(entry.Config(), dataset.train.shape)
    ]


def _trained(network, options, chosen, condensed, dataset, seed, job, done, total) -> Work[Any]:
    """A network trained on the condensed set, on the device; its epochs move the bar within one stop."""
    mean, std = channel_statistics(dataset.train)
    blank = build(network, options, dataset.train.shape, dataset.n_classes, mean, std, seed=seed)
    lazy = network == "ntk-mlp"
    settings = TRAINERS["standard"].Config(
        epochs=chosen.epochs, loss="mse", weight_decay=0.0, optimizer="sgd" if lazy else "adam",
        lr=0.02 if lazy else 0.002, schedule="cosine",
    )  # fmt: skip
    work = TRAINERS["standard"].train(
        condensed, blank, settings, validation=None, seed=seed, device=job.device, checkpoint=None
    )
    try:
        while True:
            event = next(work)
            yield replace(
                event, stage="width", done=done, total=total, unit="stops", state=None, model=None, values={},
                note=f"training {network}, epoch {event.done} of {event.total}",
            )  # fmt: skip
    except StopIteration as stop:
        return restore(stop.value["last"], device=job.device)
    finally:
        work.close()


def _judged(model, chosen, dataset, seed, job, done, total) -> Work[dict[str, Any]]:
    """The ladder of attacks on one model as flat values, told once when it is complete."""
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
