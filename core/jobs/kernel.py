"""Job on a condensed set: judge kernel regression on it.

Kernel regression is the limit of NTK-parametrised networks of growing width (Jacot et al. 2018, arXiv:1806.07572; Lee
et al. 2019, arXiv:1902.06720); `core.jobs.width` sets such networks beside it, and `core.jobs.judge` audits it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.evaluate import evaluate
from core.events import Progress, Work
from core.jobs import keeping, loading, measured
from core.jobs.options import KernelConfig
from core.kernels import Kernel, KernelRegressor, fit_condensed, mean_image
from core.settings.run import RunConfig
from core.types import CondensedSet, Dataset


def judge(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Evaluate kernel regression on the condensed set in the file `config["condensed"]`."""
    settings, fitted, told, dataset = yield from regressor(config, job)
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        report = yield from evaluate(
            fitted, dataset.test, settings.evaluation, n_classes=dataset.n_classes, seed=settings.seed,
            device=job.device,
        )  # fmt: skip
    found = measured.of_report(report, settings.evaluation)
    return (
        measured.of_data(dataset, job)
        | told
        | {"seed": settings.seed}
        | found
        | {"notes": [*dataset.notes, *found["notes"]]}
    )


def regressor(config: Mapping[str, Any], job: Job) -> Work[tuple[RunConfig, KernelRegressor, dict[str, Any], Dataset]]:
    """Kernel regression on the set in the file `config["condensed"]`, with what the record says about it."""
    settings, condensed, dataset = yield from opened(config, job)
    kernel, ridge = chosen_kernel(condensed, KernelConfig(**config.get("kernel", {})))
    fitted = fit(condensed, dataset, kernel, ridge, job)
    return settings, fitted, told_of(condensed, fitted, ridge), dataset


def opened(config: Mapping[str, Any], job: Job) -> Work[tuple[RunConfig, CondensedSet, Dataset]]:
    """Settings, condensed set and data of a job on the set in the file `config["condensed"]`."""
    settings, path = RunConfig(**config["settings"]), Path(config["condensed"])
    condensed = artifacts.load_condensed(path)
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, condensed, dataset)
    return settings, condensed, dataset


def chosen_kernel(condensed: CondensedSet, chosen: KernelConfig) -> tuple[Kernel, float]:
    """The kernel and ridge of a judgement: as chosen, else as the set was learned with, else KIP's defaults."""
    known = condensed.info
    parts = {
        "family": _first(chosen.kernel, known.kernel_family, "fc"),
        "depth": _first(chosen.depth, known.kernel_depth, 3),
        "bias_std": _first(chosen.bias_std, known.kernel_bias_std, 0.0),
        "readout": _first(chosen.readout, known.kernel_readout, "flat"),
    }
    return Kernel(**parts), float(_first(chosen.ridge, known.ridge, 1e-6))


def _first(*values: Any) -> Any:
    """The first value that is given."""
    return next(value for value in values if value is not None)


def fit(condensed: CondensedSet, dataset: Dataset, kernel: Kernel, ridge: float, job: Job) -> KernelRegressor:
    return fit_condensed(condensed, kernel, mean_image(dataset.train), ridge=ridge, device=job.device)


def told_of(condensed: CondensedSet, fitted: KernelRegressor, ridge: float) -> dict[str, Any]:
    """What the record says of kernel regression on a set."""
    return {
        "model": "kernel", "kernel": fitted.kernel.sentence(), "ridge": ridge, "jitter": fitted.jitter,
        "alpha_max": fitted.alpha_max, "contrast": fitted.contrast, "method": condensed.method,
        "budget": len(condensed),
    }  # fmt: skip
